// Text and elements. Everything that came from outside reaches the page through `clean` and as text: nothing here, or
// after this, makes markup of a string.
"use strict";

const ACTIVE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/g;
const SHOWN = 20000; // characters of one text that are laid out before somebody asks for the rest
const PREVIEW = 400; // characters of which a line is made

/** `text` with every character that acts made visible, as on the command line. */
function clean(text) {
  return text.toWellFormed().replace(ACTIVE, (char) => {
    const code = char.charCodeAt(0);
    return code < 0x20 ? String.fromCharCode(0x2400 + code) : "\\u" + code.toString(16).padStart(4, "0");
  });
}

/** The start of `text` on one line. */
function oneLine(text, most = PREVIEW) {
  const line = clean(
    text
      .slice(0, most + 1)
      .replace(/\s+/g, " ")
      .trim(),
  );
  return text.length > most ? line + "…" : line;
}

/** A value as JSON on one line, or over several. */
function compact(value) {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

/** Text that is JSON, laid out; other text as it is. */
function pretty(value) {
  if (typeof value !== "string") return JSON.stringify(value, null, 2) ?? "";
  if (!/^\s*[[{]/.test(value) || value.length > 200000) return value;
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value;
  }
}

/** An element. `props` are attributes, but for `on…` (listeners) and null (left out); children are nodes or text. */
function el(tag, props, ...children) {
  return filled(document.createElement(tag), props, children);
}

/** An element of a drawing. */
function svg(tag, props, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

function filled(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return node;
}

/** A block of text as it was written: cut where it is long, until somebody asks for all of it. */
function block(text, kind = "prose") {
  const node = el("div", { class: `text ${kind}` });
  if (text.length <= SHOWN) {
    node.textContent = clean(text);
    return node;
  }
  const more = el("button", { type: "button", class: "more" }, `show all ${count(text.length, "character")}`);
  const start = document.createTextNode(clean(text.slice(0, SHOWN)) + "…");
  more.addEventListener("click", () => node.replaceChildren(clean(text)));
  node.append(start, more);
  return node;
}

// Words that differ ---------------------------------------------------------------------------------------------------

const WORD = /\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu;
const MOST_WORDS = 1200; // of what lies between the common ends: comparing costs the product of both
const ALIKE = 0.4; // texts that share less are two texts, and marks on every word say nothing

/** Two texts as lists of `[text, differs]`, or null where marks would say nothing. */
function wordMarks(old, now) {
  if (old === now || old.length + now.length > 40000) return null;
  const a = old.match(WORD) ?? [];
  const b = now.match(WORD) ?? [];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const gone = a.slice(head, a.length - tail);
  const come = b.slice(head, b.length - tail);
  if (gone.length + come.length > MOST_WORDS) return null;
  const [inOld, inNew, same] = common(gone, come);
  const shared = head + tail + same;
  if ((2 * shared) / (a.length + b.length || 1) < ALIKE) return null;
  const ends = [a.slice(0, head).join(""), a.slice(a.length - tail).join("")];
  const whole = (words, kept) => [[ends[0], false], ...words.map((word, i) => [word, !kept.has(i)]), [ends[1], false]];
  return [joined(whole(gone, inOld)), joined(whole(come, inNew))];
}

/** Which words of each are in their longest common subsequence, and how many. */
function common(a, b) {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        a[i] === b[j]
          ? lengths[(i + 1) * width + j + 1] + 1
          : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
  const inA = new Set();
  const inB = new Set();
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) {
      inA.add(i++);
      inB.add(j++);
    } else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i++;
    else j++;
  }
  return [inA, inB, lengths[0]];
}

function joined(spans) {
  const found = [];
  for (const [text, differs] of spans) {
    if (!text) continue;
    if (found.length && found.at(-1)[1] === differs) found.at(-1)[0] += text;
    else found.push([text, differs]);
  }
  return found;
}

/** Two nodes that show `old` and `now`, the words that differ marked in both. */
function pair(old, now) {
  const marks = wordMarks(old, now);
  if (marks === null) return [block(old, "code"), block(now, "code")];
  const draw = (spans, tag) => spans.map(([text, differs]) => (differs ? el(tag, null, clean(text)) : clean(text)));
  return [
    el("div", { class: "text code" }, draw(marks[0], "del")),
    el("div", { class: "text code" }, draw(marks[1], "ins")),
  ];
}

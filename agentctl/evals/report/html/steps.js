// A run as a waterfall: one line per step, its bar where and as long as it took; each line opens to what was said.

const NAMES = {
  start: "run",
  user: "user",
  failed: "attempt failed",
  fell_back: "fall-back",
  recalled: "cached answer",
  guard: "guard",
  handoff: "hand-off",
  observed: "state",
  end: "end",
};

/** Whether the entry `seq` is what this step begins with, calls or ends with. */
function has(step, seq) {
  return step.seq === seq || step.last === seq || step.called === seq;
}

/** Seconds from the first step to the end of the last. */
function lengthOf(steps) {
  return Math.max(0, ...steps.map((step) => step.at + (step.took ?? 0)));
}

/** The steps in groups that begin where the user speaks or the model is asked: two runs stand side by side by them. */
function inTurns(steps) {
  const groups = [];
  for (const step of steps) {
    const opens =
      step.kind === "model" || (step.kind === "user" && groups.at(-1)?.some((each) => each.kind !== "start"));
    if (!groups.length || opens) groups.push([step]);
    else groups.at(-1).push(step);
  }
  return groups;
}

/** The lines of these steps. `flags` are the failed assertions, `parts` the entry at which this run leaves another. */
function stepLines(steps, total, flags, parts = null) {
  return steps
    .filter((step) => !(step.kind === "end" && step.reason === "completed" && !step.text))
    .map((step) =>
      stepLine(
        step,
        total,
        flags.filter((flag) => flag.seqs.some((seq) => has(step, seq))),
        parts,
      ),
    );
}

function stepLine(step, total, flags, parts) {
  const opens =
    flags.length > 0 ||
    step.kind === "user" ||
    step.kind === "recalled" ||
    (step.kind === "model" && step.content?.some((each) => each.type === "text"));
  const line = el(
    "details",
    {
      class: `step ${step.kind}${step.error ? " bad" : ""}${parts !== null && has(step, parts) ? " parts" : ""}`,
      "data-seq": step.seq,
      open: opens,
    },
    el(
      "summary",
      null,
      el("span", { class: "label", title: step.kind === "tool" && labelOf(step) }, labelOf(step)),
      el(
        "span",
        { class: "preview" },
        flags.map((flag) => el("span", { class: "flag" }, clean(flag.name))),
        el("span", { class: "said" }, previewOf(step)),
      ),
      total > 0 ? lane(step, total) : el("span"),
      el("span", { class: "num took" }, step.took === undefined ? "" : seconds(step.took)),
    ),
  );
  const body = el("div", { class: "body" });
  const filling = () => body.childElementCount || body.append(...bodyOf(step).filter(Boolean));
  if (opens) filling();
  else line.addEventListener("toggle", filling);
  line.append(body);
  Object.assign(line, { step, filling });
  return line;
}

function labelOf(step) {
  if (step.kind === "tool") return oneLine(step.name, 60);
  if (step.kind === "model") return `turn ${step.turn}`;
  return NAMES[step.kind] ?? clean(step.kind);
}

function lane(step, total) {
  const bar = el("i");
  bar.style.left = `${Math.min((100 * step.at) / total, 99.6)}%`;
  bar.style.width = `${(100 * (step.took ?? 0)) / total}%`;
  const about =
    step.took === undefined ? `at ${seconds(step.at)}` : `${seconds(step.at)} to ${seconds(step.at + step.took)}`;
  return el("span", { class: "lane", title: about }, bar);
}

function previewOf(step) {
  switch (step.kind) {
    case "start":
      return oneLine(`${step.agent} · ${step.model}${step.parent ? ` · from ${step.parent}` : ""}`);
    case "user":
      return oneLine(textOf(step.content));
    case "model":
      return step.content ? oneLine(saidIn(step.content)) : el("em", null, "no reply");
    case "recalled":
      return oneLine(saidIn(step.content));
    case "tool":
      return [
        el("span", { class: "given" }, oneLine(compact(step.input ?? ""))),
        el("span", { class: "got" }, outcomeOf(step)),
      ];
    case "observed":
      return oneLine(`${step.name} = ${compact(step.value)}`);
    case "failed":
      return oneLine(`${step.attempt}: ${step.error}: ${step.text}`);
    case "guard":
      return oneLine(`${step.guard} on ${step.stage}: ${step.verdict}${step.text ? `: ${step.text}` : ""}`);
    case "handoff":
      return oneLine(`${step.agent} · ${step.model} answers from here on`);
    case "end":
      return oneLine([step.reason, step.text].filter(Boolean).join(": "));
    default:
      return oneLine(fieldsOf(step).join(" · "));
  }
}

function outcomeOf(step) {
  if (step.result === undefined) return "no answer";
  return `${step.error ? `${clean(step.error)}: ` : ""}${oneLine(textOf(step.result)) || "(empty)"}`;
}

/** What a reply says on one line: its text, else the calls it asks for, else what it thought. */
function saidIn(content) {
  const of = (type, name) => content.filter((each) => each.type === type).map((each) => each[name]);
  const text = of("text", "text").join(" ");
  const calls = [...of("tool_use", "name"), ...of("server_tool_use", "name")];
  return text || (calls.length ? `→ ${calls.join(", ")}` : of("thinking", "thinking").join(" ") || "(nothing)");
}

/** Content as text: what is no text is named by its kind. */
function textOf(content) {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return compact(content);
  return content.map((each) => (each.type === "text" ? each.text : `[${each.type ?? "block"}]`)).join(" ");
}

// What a line opens to ------------------------------------------------------------------------------------------------

function bodyOf(step) {
  switch (step.kind) {
    case "user":
      return blocksOf(step.content);
    case "model":
      return [...(step.content ? blocksOf(step.content) : []), usageOf(step)];
    case "recalled":
      return [...blocksOf(step.content), labelled("answered in", block(`run ${step.run}, ${seconds(step.age)} before`))];
    case "tool":
      return toolBody(step);
    case "observed":
      return [labelled("asked", block(step.name, "code")), labelled("seen", block(pretty(step.value), "code"))];
    default:
      return [block(fieldsOf(step).join("\n"))];
  }
}

/** What a step says beyond its place and time, field by field. */
function fieldsOf(step) {
  const { kind, seq, last, turn, at, took, told, ...said } = step;
  const known = Object.entries(told ?? said).filter(([, value]) => value !== null && value !== "");
  return known.map(([name, value]) => `${name}: ${compact(value)}`);
}

function blocksOf(content) {
  if (typeof content === "string") return [block(content)];
  if (!Array.isArray(content)) return [block(pretty(content), "code")];
  return content.map((each) => {
    if (each.type === "text") return block(String(each.text));
    if (each.type === "thinking") return labelled("thinking", block(String(each.thinking), "prose thinking"));
    if (each.type === "redacted_thinking") return labelled("thinking", el("em", null, "the text is withheld"));
    if (each.type === "tool_use" && each.input === undefined)
      return labelled("asks for", el("code", null, clean(String(each.name))));
    return labelled(clean(String(each.type ?? "block")), block(pretty(each), "code"));
  });
}

function toolBody(step) {
  const { approval, delegated } = step;
  const ruled =
    approval &&
    `${approval.approved ? "allowed" : "denied"} by ${approval.by}${approval.reason ? `: ${approval.reason}` : ""}`;
  return [
    ruled && labelled("approval", block(ruled)),
    delegated && labelled("delegated", block(`${delegated.agent}, run ${delegated.run}`)),
    labelled("arguments", block(pretty(step.input ?? null), "code")),
    step.result === undefined
      ? labelled("result", el("em", null, "no answer"))
      : labelled(
          step.error ? clean(step.error) : "result",
          typeof step.result === "string" ? block(pretty(step.result), "code") : el("div", null, blocksOf(step.result)),
        ),
  ];
}

function usageOf(step) {
  if (!step.usage) return null;
  const [all, cached, written] = step.usage;
  const cache = [cached && `${number.format(cached)} cached`, written && `${number.format(written)} written`]
    .filter(Boolean)
    .join(", ");
  const facts = [
    `${number.format(all)} in${cache ? ` (${cache})` : ""}`,
    `${number.format(step.out)} out`,
    step.cost === undefined ? "price unknown" : dollars(step.cost),
    step.stop && `stop: ${step.stop}`,
    step.model,
  ];
  return el("p", { class: "facts" }, clean(facts.filter(Boolean).join(" · ")));
}

function labelled(label, content) {
  return el("div", { class: "labelled" }, el("span", { class: "quiet" }, label), content);
}

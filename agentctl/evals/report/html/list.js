// The list of cases: one row each, whatever the number of results; filters and sorting change which and in what order.

const FIRST = 60; // rows drawn before the page is shown; the rest follow while it can be read already
const MORE = 400; // rows drawn at a time after that
const PATIENCE = 400; // milliseconds in which runs are looked into before what was found is drawn

const shown = { text: "", status: "", suite: "", tag: "", order: "rank", down: false };
const RANKED = CASES.toSorted((a, b) => a.rank - b.rank || a.index - b.index);
let visible = RANKED; // the cases that fit, in their order
let whole = false; // whether `draw` has put in every row that is wanted

const COLUMNS = VERSUS
  ? [
      ...SIDES.map((side, place) => ({ name: `side-${place}`, title: side.label })),
      { name: "key", title: "case" },
      { name: "reason", title: "why" },
    ]
  : [
      { name: "rank", title: "status" },
      { name: "key", title: "case" },
      { name: "reason", title: "why" },
    ];
const FIGURES = [
  { name: "turns", title: "turns", show: mean },
  { name: "tools", title: "tools", show: mean },
  { name: "tokens", title: "tokens", show: (value) => (value === null ? "" : number.format(Math.round(value))) },
  { name: "cost", title: "cost", show: (value) => (value === null ? "" : dollars(value)) },
  { name: "seconds", title: "time", show: seconds },
].filter((column) => !VERSUS || column.name !== "tools");

function pill(status, side = null) {
  const share = side && side.runs > 1 ? ` ${side.passed}/${side.runs}` : "";
  const flaky = side && side.passed > 0 && side.failed > 0;
  return el(
    "span",
    { class: `pill ${KNOWN.includes(status) ? status : "other"}` },
    (flaky ? "flaky" : clean(status)) + share,
  );
}

function rowOf(entry) {
  const cells = VERSUS
    ? entry.sides.map((side) =>
        el("span", { role: "cell", class: "cell-status" }, side ? pill(side.status, side) : "–"),
      )
    : [el("span", { role: "cell", class: "cell-status" }, pill(entry.sides[0].status, entry.sides[0]))];
  const mark = entry.broke ? "broke" : entry.mended ? "mended" : "";
  const link = el("a", { href: addressOf(entry), class: "case-link" }, clean(entry.key));
  const name = el(
    "span",
    { role: "cell", class: "cell-case" },
    link,
    entry.quarantined && el("span", { class: "change held" }, "quarantined"),
    entry.tags.map((tag) => el("span", { class: "tag" }, clean(tag))),
  );
  const change = mark && el("span", { class: `change ${mark}` }, mark);
  const reason = el("span", { role: "cell", class: "cell-reason" }, change, oneLine(entry.reason));
  const figures = FIGURES.map((column) =>
    el("span", { role: "cell", class: `num cell-${column.name}` }, figureOf(entry, column)),
  );
  const row = el("div", { role: "row", class: "row", onclick: () => link.click() }, cells, name, reason, figures);
  link.addEventListener("click", (event) => event.stopPropagation());
  return row;
}

/** A figure; of two results, the last one's, with what changed since the first. */
function figureOf(entry, column) {
  const value = entry.sides.at(-1)?.[column.name] ?? null;
  if (value === null) return "";
  const text = column.show(value);
  if (!VERSUS) return text;
  const before = entry.sides[0]?.[column.name] ?? 0;
  const change = before > 0 && column.show(before) !== text ? Math.round((100 * (value - before)) / before) : 0;
  const moved = change ? `${change > 0 ? "+" : "−"}${number.format(Math.abs(change))}%` : "";
  return [text, " ", el("small", null, moved)];
}

// Filters -------------------------------------------------------------------------------------------------------------

function fits(entry) {
  if (shown.suite && entry.suite !== shown.suite) return false;
  if (shown.tag && !entry.tags.includes(shown.tag)) return false;
  if (shown.status === "flaky" && !entry.flaky) return false;
  if (shown.status === "changed" && !(entry.broke || entry.mended)) return false;
  if (STATUSES.includes(shown.status) && !entry.statuses.has(shown.status)) return false;
  return true;
}

function says(entry) {
  const words = shown.text.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => entry.words.includes(word) || entry.deep?.includes(word));
}

/** Draws what fits now, then looks into the runs themselves and draws again what they add. */
let search = 0;
async function refresh() {
  const mine = ++search;
  draw();
  if (!shown.text.trim()) return;
  let drawn = performance.now();
  for (const entry of CASES) {
    if (entry.deep !== undefined) continue;
    await wordsOf(entry);
    if (mine !== search) return; // something else is looked for by now
    if (performance.now() - drawn < PATIENCE) continue;
    draw();
    drawn = performance.now();
  }
  draw();
}

function draw() {
  whole = true;
  const found = (shown.order ? RANKED : CASES).filter((entry) => fits(entry) && says(entry));
  visible = shown.order && shown.order !== "rank" ? found.sort(comparing(shown.order, shown.down)) : found;
  const rows = document.getElementById("rows");
  const wanted = visible.map((entry) => (entry.row ??= rowOf(entry)));
  if (rows.childElementCount !== wanted.length || wanted.some((row, index) => rows.children[index] !== row))
    rows.replaceChildren(...wanted);
  announce();
}

function announce() {
  const all = CASES.length;
  const text =
    visible.length === all ? count(all, "case") : `${number.format(visible.length)} of ${count(all, "case")}`;
  document.getElementById("count").textContent = text;
  document.getElementById("nothing").hidden = visible.length > 0;
}

function comparing(name, down) {
  const value = (entry) => {
    if (name === "key" || name === "reason") return entry[name];
    if (name === "rank") return entry.rank;
    if (name.startsWith("side-")) return STATUSES.indexOf(entry.sides[Number(name.slice(5))]?.status);
    return entry.sides.at(-1)?.[name] ?? -1;
  };
  return (a, b) => {
    const [one, other] = [value(a), value(b)];
    const order = one < other ? -1 : one > other ? 1 : a.index - b.index;
    return down ? -order : order;
  };
}

function sortBy(column) {
  const numbers = FIGURES.includes(column);
  if (shown.order !== column.name) Object.assign(shown, { order: column.name, down: numbers });
  else if (shown.down === numbers && column.name !== "rank") shown.down = !numbers;
  else Object.assign(shown, { order: "", down: false }); // as the suites have them
  for (const head of document.querySelectorAll("[role=columnheader]")) {
    const sorted = head.dataset.name === shown.order;
    head.setAttribute("aria-sort", sorted ? (shown.down ? "descending" : "ascending") : "none");
  }
  draw();
}

// The list as it stands in the page -----------------------------------------------------------------------------------

function listView() {
  const heads = [...COLUMNS, ...FIGURES].map((column) =>
    el(
      "span",
      {
        role: "columnheader",
        "aria-sort": column.name === shown.order ? "ascending" : "none",
        "data-name": column.name,
        class: `head-${column.name}`,
      },
      el("button", { type: "button", onclick: () => sortBy(column) }, clean(column.title)),
    ),
  );
  const rows = el("div", { role: "rowgroup", id: "rows" });
  const table = el(
    "div",
    { role: "table", "aria-label": "Cases", class: VERSUS ? "list versus" : "list" },
    el("div", { role: "rowgroup" }, el("div", { role: "row", class: "row heads" }, heads)),
    rows,
    el("p", { id: "nothing", hidden: true }, "No case fits these filters."),
  );
  table.style.setProperty("--sides", SIDES.length);
  return el("section", { id: "cases", "aria-label": "Cases" }, toolbar(), table);
}

/** Puts the first rows in at once, the others as soon as the page has been drawn. */
function fill() {
  const rows = document.getElementById("rows");
  let next = 0;
  const some = (most) => {
    if (whole) return;
    rows.append(...RANKED.slice(next, next + most).map((entry) => (entry.row ??= rowOf(entry))));
    next += most;
    if (next < CASES.length) setTimeout(some, 0, MORE);
  };
  some(FIRST);
  announce();
}

function toolbar() {
  const changes = (name) => (event) => {
    shown[name] = event.target.value;
    refresh();
  };
  const choose = (name, title, values) =>
    values.length > 1 &&
    el(
      "label",
      { class: "choose" },
      el("span", null, title),
      el(
        "select",
        { id: `filter-${name}`, onchange: changes(name) },
        el("option", { value: "" }, "all"),
        values.map((value) => el("option", { value }, clean(value))),
      ),
    );
  const suites = [...new Set(CASES.map((entry) => entry.suite))];
  const tags = [...new Set(CASES.flatMap((entry) => entry.tags))].sort();
  return el(
    "div",
    { class: "toolbar", role: "search" },
    el("input", {
      id: "search",
      type: "search",
      placeholder: "Search cases and runs  ( / )",
      "aria-label": "Search cases and runs",
      spellcheck: "false",
      oninput: changes("text"),
    }),
    statusButtons(),
    choose("suite", "suite", suites),
    choose("tag", "tag", tags),
    el("span", { id: "count", role: "status", class: "quiet" }),
  );
}

function statusButtons() {
  const options = [["", "all", CASES.length]];
  for (const status of STATUSES)
    options.push([status, status, CASES.filter((entry) => entry.statuses.has(status)).length]);
  options.push(["flaky", "flaky", CASES.filter((entry) => entry.flaky).length]);
  if (VERSUS) options.push(["changed", "changed", CASES.filter((entry) => entry.broke || entry.mended).length]);
  const buttons = options
    .filter(([value, , size]) => size || !value)
    .map(([value, title, size]) =>
      el(
        "button",
        { type: "button", "aria-pressed": String(value === shown.status), "data-status": value },
        clean(title),
        el("small", null, number.format(size)),
      ),
    );
  for (const button of buttons)
    button.addEventListener("click", () => {
      shown.status = button.dataset.status;
      for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
      refresh();
    });
  return el("div", { class: "statuses", role: "group", "aria-label": "Status" }, buttons);
}

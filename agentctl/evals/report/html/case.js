// One case: how it stands, what was expected against what came, and its run.

/** Fields of a run that the page has words for. */
const SHOWN_ABOVE = new Set(
  (
    "agent asserts ended hint holds input model parting reason recording rerecord score stale stale_matched steps text " +
    "transcript"
  ).split(" "),
);

const picked = { key: null, right: SIDES.length - 1, repeat: null };

function addressOf(entry) {
  return `#case=${encodeURIComponent(entry.key.toWellFormed())}`;
}

function caseAt(hash) {
  return hash.startsWith("#case=") ? CASES.find((entry) => addressOf(entry) === hash) : undefined;
}

/** The page of a case; `again` draws it anew. The details of its runs are there once the promise is. */
async function caseView(entry, again) {
  if (picked.key !== entry.key) Object.assign(picked, { key: entry.key, repeat: worstRepeat(entry) });
  const places = VERSUS ? [0, picked.right] : [0];
  const runs = places.map((place) => entry.runs[place].find((run) => run.repeat === picked.repeat));
  const found = await Promise.all(runs.map((run) => (run ? details(run.details) : null)));
  return el(
    "section",
    { id: "case", "aria-label": clean(entry.key) },
    crumbs(entry),
    el(
      "h2",
      { tabindex: "-1" },
      clean(entry.key),
      entry.tags.map((tag) => el("span", { class: "tag" }, clean(tag))),
    ),
    el("p", { class: "facts" }, clean(entry.file ? `${entry.file}:${entry.line}` : "")),
    pickers(entry, again),
    VERSUS ? sideBySide(places, runs, found) : alone(runs[0], found[0]),
  );
}

function worstRepeat(entry) {
  const runs = entry.runs.flat();
  return (runs.find((run) => run.status !== "pass") ?? runs[0]).repeat;
}

function crumbs(entry) {
  const at = visible.indexOf(entry);
  const to = (other, title, key) =>
    other
      ? el("a", { href: addressOf(other), rel: key, title: clean(other.key) }, title)
      : el("span", { class: "quiet", "aria-hidden": "true" }, title);
  return el(
    "nav",
    { class: "crumbs", "aria-label": "Cases" },
    el("a", { href: "#", id: "back" }, "← all cases"),
    to(visible[at - 1], "previous", "prev"),
    to(at < 0 ? undefined : visible[at + 1], "next", "next"),
    el("span", { class: "quiet" }, at < 0 ? "" : `${number.format(at + 1)} of ${number.format(visible.length)}`),
    el("button", { type: "button", class: "quiet-button", onclick: toggleSteps }, "open or close all steps"),
  );
}

function toggleSteps() {
  const steps = [...document.querySelectorAll("details.step")];
  const open = steps.some((step) => !step.open);
  for (const step of steps) {
    step.filling();
    step.open = open;
  }
}

/** Which repeat is shown, and beside the first result, which other. */
function pickers(entry, again) {
  const pick = (change) => {
    Object.assign(picked, change);
    again(entry);
  };
  const repeats = [...new Set(entry.runs.flat().map((run) => run.repeat))].sort((a, b) => a - b);
  const buttons = repeats.map((repeat) => {
    const runs = entry.runs.map((each) => each.find((run) => run.repeat === repeat));
    const pills = runs.map((run) => (run ? pill(run.status) : null));
    const pressed = { "aria-pressed": String(repeat === picked.repeat), onclick: () => pick({ repeat }) };
    return el("button", { type: "button", ...pressed }, `#${repeat}`, pills);
  });
  const others = SIDES.map((side, place) =>
    el("option", { value: place, selected: place === picked.right }, clean(side.label)),
  );
  return [
    SIDES.length > 2 &&
      el(
        "label",
        { class: "choose" },
        el("span", null, `${clean(SIDES[0].label)} beside`),
        el("select", { onchange: (event) => pick({ right: Number(event.target.value) }) }, others.slice(1)),
      ),
    repeats.length > 1 && el("div", { class: "statuses repeats", role: "group", "aria-label": "Repeat" }, buttons),
  ];
}

function alone(run, found) {
  const trace = stepLines(found.steps, lengthOf(found.steps), flagsOf(found));
  return el(
    "div",
    null,
    standing(run, found),
    assertions(found),
    trace.length > 0 ? [el("h3", null, "Run"), el("div", { class: "trace" }, trace)] : inShort(found),
  );
}

/** What was said first and answered last, of a run whose steps the result leaves to the file it came from. */
function inShort(found) {
  if (!found.text && !found.input?.length) return null;
  const said = (found.input ?? []).map((text) => labelled("user", block(String(text))));
  return [el("h3", null, "Run"), el("div", { class: "standing" }, said, labelled("answer", block(String(found.text))))];
}

/** The verdict, the figures, and what must be known beside them. */
function standing(run, found) {
  const figures =
    run.turns === undefined
      ? []
      : [
          count(run.turns, "turn"),
          count(run.tools, "tool call"),
          `${number.format(run.in)} in${run.cached ? ` (${number.format(run.cached)} cached)` : ""}`,
          `${number.format(run.out)} out`,
          run.cost === null ? "price unknown" : dollars(run.cost),
          seconds(run.seconds),
        ];
  if (found.score !== undefined && found.asserts?.length) figures.push(`score ${found.score.toFixed(2)}`);
  if (found.ended && found.ended !== "completed") figures.push(`ended: ${found.ended}`);
  const told =
    run.status === "pass" || (run.status === "fail" && found.asserts?.some((each) => !each.pass)) ? "" : found.reason;
  return el(
    "div",
    { class: "standing" },
    el("p", null, pill(run.status), " ", el("span", { class: "figures" }, clean(figures.join(" · ")))),
    told && block(String(told)),
    found.hint && el("p", { class: "quiet" }, clean(String(found.hint))),
    found.stale_matched &&
      el("p", null, "Answers were reused that were given to something else than would be asked now."),
    found.recording && el("p", null, el("code", { class: "command" }, clean(replayOf(run, found)))),
    found.rerecord && el("p", null, el("code", { class: "command" }, clean(String(found.rerecord.command)))),
    besideThat(found),
  );
}

/** What else the result says of the run, by its names there. */
function besideThat(found) {
  const rest = Object.entries(found).filter(([name, value]) => !SHOWN_ABOVE.has(name) && value !== null);
  if (!rest.length) return null;
  const names = rest.map(([name]) => name.replaceAll("_", " ")).join(", ");
  const all = block(pretty(Object.fromEntries(rest)), "code");
  return el("details", { class: "more-facts quiet" }, el("summary", null, clean(names)), all);
}

/** The command that shows the run in a terminal, at the first place of the first failure. */
function replayOf(run, found) {
  const turn = flagsOf(found)
    .flatMap((flag) => flag.turns)
    .find(Boolean);
  const take = run.repeat > 1 ? ` --take ${run.repeat}` : "";
  return `agentctl replay ${found.recording}${take}${turn ? ` --turn ${turn}` : ""}`;
}

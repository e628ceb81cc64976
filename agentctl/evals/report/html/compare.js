// Two runs of one case, turn beside turn, and above the turn in which they part, what differs there.

function sideBySide(places, runs, found) {
  const parting = found[1]?.parting ?? null;
  const seqs = parting ? [parting.index.old, parting.index.new] : [null, null];
  const turns = found.map((each) => (each ? inTurns(each.steps) : []));
  const total = Math.max(...found.map((each) => (each ? lengthOf(each.steps) : 0)));
  const cell = (side, ...content) => el("div", { "data-side": side, class: "side" }, ...content);
  const both = (draw) => found.map((each, side) => cell(side, each ? draw(each, side) : null));
  const rows = [];
  const longest = Math.max(...turns.map((groups) => groups.length));
  const at = parting ? turnOfParting(turns, seqs) : -1;
  for (let index = 0; index < longest; index++) {
    if (index === at) rows.push(partingBanner(parting));
    turns.forEach((groups, side) => {
      const lines = stepLines(groups[index] ?? [], total, found[side] ? flagsOf(found[side]) : [], seqs[side]);
      const label = clean(SIDES[places[side]].label);
      rows.push(cell(side, el("div", { class: `trace series-${places[side] % 4}`, "data-label": label }, lines)));
    });
  }
  return el(
    "div",
    { class: "sides" },
    places.map((place, side) =>
      cell(
        side,
        el("h3", { class: `series-${place % 4}` }, clean(SIDES[place].label)),
        found[side] ? standing(runs[side], found[side]) : el("p", { class: "quiet" }, "not in this result"),
      ),
    ),
    both((each) => assertions(each)),
    longest === 0 && both((each) => inShort(each)),
    found[0] && found[1] && longest > 0 && !parting && el("p", { class: "wide quiet" }, "Both runs did the same."),
    rows,
  );
}

/** The first turn that holds an entry at which the runs part. */
function turnOfParting(turns, seqs) {
  const found = turns.map((groups, side) => groups.findIndex((group) => group.some((step) => has(step, seqs[side]))));
  const known = found.filter((index) => index >= 0);
  return known.length ? Math.min(...known) : 0;
}

function partingBanner(parting) {
  const [old, now] = pair(saidAt(parting.old), saidAt(parting.new));
  const where = [`turn ${parting.turn}`, parting.event.replaceAll("_", " "), parting.path].filter(Boolean).join(" · ");
  return el(
    "div",
    { class: "wide parting", role: "note" },
    el("p", null, el("b", null, "They part here"), ` ${clean(where)}`),
    el("div", { class: "parting-pair" }, old, now),
  );
}

function saidAt(value) {
  if (value === null || value === undefined) return "(nothing)";
  for (const name of ["text", "thinking"])
    if (value.type === name && typeof value[name] === "string") return value[name];
  return compact(value);
}

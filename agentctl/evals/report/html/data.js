// What the page knows: the head at once, details of runs when they are asked for.

const HEAD = JSON.parse(document.getElementById("head").textContent);
const SIDES = HEAD.sides;
const VERSUS = SIDES.length > 1;
const KNOWN = ["fail", "error", "stale", "missing", "stopped", "pass"]; // the worst first
const FOUND = new Set(HEAD.cases.flatMap((row) => row.runs.flat().map((run) => run.status)));
const STATUSES = [...[...FOUND].filter((status) => !KNOWN.includes(status)), ...KNOWN];

const parts = new Map();

/** The details of a run, by its number. Unpacks the part they are in, once. */
async function details(index) {
  let part = HEAD.parts.length - 1;
  while (HEAD.parts[part] > index) part--;
  if (!parts.has(part)) parts.set(part, unpacked(document.getElementById(`part-${part}`)));
  return (await parts.get(part))[index - HEAD.parts[part]];
}

async function unpacked(script) {
  const bytes = Uint8Array.from(atob(JSON.parse(script.textContent)), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

/** Every text in the details of a case's runs, for a search. */
async function wordsOf(entry) {
  if (entry.deep === undefined) {
    const found = [];
    for (const run of entry.runs.flat()) gather(await details(run.details), found);
    entry.deep = found.join("\n").toLowerCase();
  }
  return entry.deep;
}

function gather(value, found) {
  if (typeof value === "string") found.push(value);
  else if (Array.isArray(value)) for (const each of value) gather(each, found);
  else if (value !== null && typeof value === "object")
    for (const [name, each] of Object.entries(value)) {
      found.push(name);
      gather(each, found);
    }
}

/** What a list needs to know of a case; runs of one result are its repeats. */
function caseOf(row, index) {
  const sides = row.runs.map(sideOf);
  const known = sides.filter(Boolean);
  const found = {
    ...row,
    index,
    sides,
    key: `${row.suite}/${row.id}`,
    statuses: new Set(row.runs.flat().map((run) => run.status)),
    worst: Math.min(...known.map((side) => STATUSES.indexOf(side.status))),
    flaky: known.some((side) => side.passed > 0 && side.failed > 0),
    reason:
      known
        .map((side) => side.reason)
        .filter(Boolean)
        .at(-1) ?? "",
  };
  found.words = [found.key, ...row.tags, ...row.runs.flat().map((run) => run.reason ?? "")].join("\n").toLowerCase();
  const [first, last] = [sides[0], sides.at(-1)];
  const judged = VERSUS && first && last && verdict(first) && verdict(last);
  found.broke = judged && verdict(first) === "pass" && verdict(last) === "fail";
  found.mended = judged && verdict(first) === "fail" && verdict(last) === "pass";
  found.rank = found.broke ? -2 : found.mended ? -1 : found.worst; // what is looked at first
  return found;
}

/** pass or fail where the runs of a case give a verdict, else null. */
function verdict(side) {
  return side.failed ? "fail" : side.passed ? "pass" : null;
}

function sideOf(runs) {
  if (!runs.length) return null;
  const ran = runs.filter((run) => run.turns !== undefined);
  const of = (name) => average(ran.map((run) => run[name]));
  return {
    runs: runs.length,
    passed: runs.filter((run) => run.status === "pass").length,
    failed: runs.filter((run) => run.status === "fail").length,
    status: STATUSES.find((status) => runs.some((run) => run.status === status)) ?? runs[0].status,
    reason: runs.find((run) => run.status !== "pass")?.reason ?? "",
    turns: of("turns"),
    tools: of("tools"),
    tokens: average(ran.map((run) => run.in + run.out)),
    cost: of("cost"),
    seconds: of("seconds"),
  };
}

const CASES = HEAD.cases.map(caseOf);

/** Sums and quantiles over the runs of one result. */
function totalsOf(place) {
  const runs = HEAD.cases.flatMap((row) => row.runs[place]);
  const ran = runs.filter((run) => run.turns !== undefined);
  const sum = (name) => ran.reduce((total, run) => total + run[name], 0);
  const times = ran.map((run) => run.seconds).sort((a, b) => a - b);
  const priced = ran.length > 0 && ran.every((run) => run.cost !== null);
  return {
    runs: runs.length,
    counts: Object.fromEntries(STATUSES.map((status) => [status, runs.filter((run) => run.status === status).length])),
    turns: sum("turns"),
    tools: sum("tools"),
    in: sum("in"),
    cached: sum("cached"),
    out: sum("out"),
    cost: priced ? sum("cost") : null,
    each: priced ? sum("cost") / ran.length : null,
    median: quantile(times, 0.5),
    late: quantile(times, 0.95),
    times,
    costs: ran
      .map((run) => run.cost)
      .filter((cost) => cost !== null)
      .sort((a, b) => a - b),
  };
}

const TOTALS = SIDES.map((_, place) => totalsOf(place));

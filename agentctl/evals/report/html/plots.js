// Drawings: rates with their intervals on one axis from 0 to 100 %, and how cost and time are spread over the runs.

const BINS = 32;

/** A rate as a dot on its interval. */
function rateBar(rate, place = 0) {
  const at = (value) => `${(100 * value).toFixed(2)}%`;
  if (rate.rate === undefined) return el("span", { class: "quiet" }, "no verdict");
  return svg(
    "svg",
    {
      class: `rate series-${place % 4}`,
      role: "img",
      "aria-label": `${percent(rate.rate)}, interval ${interval(rate)}`,
    },
    svg("line", { class: "track", x1: "0", x2: "100%", y1: "50%", y2: "50%" }),
    [0.25, 0.5, 0.75].map((tick) => svg("line", { class: "tick", x1: at(tick), x2: at(tick), y1: "30%", y2: "70%" })),
    svg("line", { class: "interval", x1: at(rate.low), x2: at(rate.high), y1: "50%", y2: "50%" }),
    svg("circle", { class: "dot", cx: at(rate.rate), cy: "50%", r: "4" }),
  );
}

/** Pass rates by suite and tag; null when there is nothing but the whole. */
function groupPlot() {
  const groups = HEAD.groups.filter((group) => group.kind !== "all");
  if (!groups.length) return null;
  const row = (group, rate, place) =>
    el(
      "div",
      { class: "group-row", role: "row" },
      el(
        "span",
        { class: "group-name", role: "rowheader", title: clean(`${group.kind} ${group.name}`) },
        VERSUS && place > 0 ? "" : clean(group.name),
      ),
      el("span", { role: "cell" }, rateBar(rate, place)),
      el("span", { class: "num", role: "cell" }, percent(rate.rate)),
      el("span", { class: "num quiet", role: "cell" }, `${rate.passed}/${rate.judged}`),
    );
  const rows = groups.flatMap((group) => group.rates.map((rate, place) => row(group, rate, place)));
  const table = el("div", { class: "groups", role: "table", "aria-label": "Pass rates", tabindex: "0" }, rows);
  table.style.setProperty("--rows", rows.length);
  const kinds = [...new Set(groups.map((group) => group.kind))];
  return figure(`Pass rate by ${kinds.join(" and ")}`, table);
}

/** How values are spread, each result below the one before it, on the same axes. */
function spread(title, name, show) {
  const all = TOTALS.flatMap((totals) => totals[name]).sort((a, b) => a - b);
  if (all.length < 2 || all[0] === all.at(-1)) return null;
  const low = all[0];
  const high = Math.max(quantile(all, 0.99), low + (all.at(-1) - low) / 1000);
  const bin = (value) => Math.min(Math.floor((BINS * (value - low)) / (high - low)), BINS - 1);
  const counted = TOTALS.map((totals) => {
    const bins = new Array(BINS).fill(0);
    for (const value of totals[name]) bins[bin(value)]++;
    return bins;
  });
  const tallest = Math.max(...counted.flat());
  const edge = (index) => low + (index * (high - low)) / BINS;
  const beyond = all.at(-1) > high ? `+, up to ${show(all.at(-1))}` : "";
  return figure(
    title,
    counted.map((bins, place) => histogram(bins, tallest, place, edge, show, TOTALS[place][name])),
    el("div", { class: "axis" }, el("span", null, show(low)), el("span", null, show(high) + beyond)),
  );
}

function histogram(bins, tallest, place, edge, show, values) {
  const middle = quantile(values, 0.5);
  const late = quantile(values, 0.95);
  const label = `median ${show(middle)}, 95% under ${show(late)}`;
  const bars = bins.map((size, index) => {
    if (!size) return null;
    const height = Math.max((94 * size) / tallest, 3);
    const box = { x: `${(100 * index) / BINS}%`, y: `${100 - height}%`, height: `${height}%` };
    const about = `${count(size, "run")}, ${show(edge(index))} to ${show(edge(index + 1))}`;
    return svg("rect", { ...box, width: `${100 / BINS - 0.6}%` }, svg("title", null, about));
  });
  return el(
    "div",
    { class: `histogram series-${place % 4}` },
    el(
      "div",
      { class: "histogram-label" },
      el("span", null, VERSUS ? clean(SIDES[place].label) : ""),
      el("span", { class: "quiet" }, label),
    ),
    svg("svg", { role: "img", "aria-label": label }, bars),
  );
}

function figure(title, ...content) {
  return el("figure", { class: "panel" }, el("figcaption", null, title), ...content);
}

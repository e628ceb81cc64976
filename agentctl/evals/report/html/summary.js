// The figures of each result, and the verdict between two.

const MOST_NAMED = 24; // cases named in a list; the filter has them all

function summary() {
  const rows = TOTALS.map((totals, place) => summaryRow(totals, place, HEAD.groups[0].rates[place]));
  const plots = [groupPlot(), spread("Cost of a run", "costs", dollars), spread("Time of a run", "times", seconds)];
  return el(
    "section",
    { id: "summary", "aria-label": "Summary" },
    el("div", { class: "summary-rows" }, rows),
    HEAD.summaries.map(changes),
    el("div", { class: "panels" }, plots.filter(Boolean)),
  );
}

function summaryRow(totals, place, rate) {
  const fact = (value, name, more = "") =>
    el("div", { class: "fact" }, el("b", null, value), el("span", null, name), more && el("small", null, more));
  const { repeated, judging } = SIDES[place];
  const clustered =
    repeated?.clustered && `, clustered ${interval({ low: repeated.clustered[0], high: repeated.clustered[1] })}`;
  const counts = STATUSES.filter((status) => totals.counts[status]);
  return el(
    "div",
    { class: "summary-row" },
    VERSUS && el("h2", { class: `series-${place % 4}`, title: clean(SIDES[place].file) }, clean(SIDES[place].label)),
    el(
      "div",
      { class: "fact rate-fact" },
      el("b", null, percent(rate.rate)),
      rateBar(rate, place),
      el("span", null, rate.judged ? `pass rate, 95% interval ${interval(rate)}${clustered || ""}` : "pass rate"),
    ),
    el(
      "div",
      { class: "fact counts" },
      counts.map((status) => [pill(status), el("b", null, number.format(totals.counts[status]))]),
    ),
    repeated &&
      fact(percent(repeated.pass_hat), `pass^${repeated.k}`, `pass@${repeated.k} ${percent(repeated.pass_at)}`),
    fact(number.format(totals.turns), "turns", count(totals.tools, "tool call")),
    fact(number.format(totals.in + totals.out), "tokens", `${number.format(totals.cached)} cached`),
    fact(
      totals.cost === null ? "?" : dollars(totals.cost),
      "cost",
      totals.each === null ? "" : `${dollars(totals.each)} a run`,
    ),
    judging && fact(dollars(judging.cost_usd), "judges", count(judging.votes, "vote")),
    fact(seconds(totals.median) || "–", "median time", totals.late !== null && `95% under ${seconds(totals.late)}`),
  );
}

/** What changed as a whole from the first result to another. */
function changes(found) {
  const named = ([name, status]) => (status === "changed" ? name : `${name} (${status})`);
  const changed = Object.entries(found.components ?? {}).filter(([, status]) => status !== "same");
  const list = (title, keys) => {
    if (!keys.length) return null;
    const links = keys
      .slice(0, MOST_NAMED)
      .map((key) => el("a", { href: addressOf({ key }), class: "case-chip" }, clean(key)));
    const more =
      keys.length > MOST_NAMED && el("span", { class: "quiet" }, `and ${number.format(keys.length - MOST_NAMED)} more`);
    return labelled(`${title} (${number.format(keys.length)})`, el("div", null, links, more));
  };
  return el(
    "article",
    { class: "panel changes" },
    el("h2", null, clean(`${SIDES[0].label} → ${SIDES[found.place].label}`)),
    verdictBlock(found.verdict),
    labelled("definition", changed.length ? clean(`changed: ${changed.map(named).join(", ")}`) : "the same"),
    list("broke", found.broke),
    list("mended", found.mended),
    list("only in the second", found.added),
    list("only in the first", found.removed),
  );
}

// The verdict ---------------------------------------------------------------------------------------------------------

const MEASURES = {
  pass_rate: { title: "pass rate", show: percent },
  score: { title: "score", show: (value) => value.toFixed(2) },
  turns: { title: "turns", show: (value) => value.toFixed(2) },
  tokens: { title: "tokens", show: (value) => number.format(Math.round(value)) },
  cost_usd: { title: "cost", show: dollars },
  seconds: { title: "time", show: seconds },
};

/** One word, the figures it stands on, each with its interval, and what is to be known beside them. */
function verdictBlock(found) {
  const measures = [["pass_rate", found.pass_rate], ...Object.entries(found.measures)].filter(([, each]) => each);
  const word = (each) => el("span", { class: `word ${each.replace(" ", "-")}` }, clean(each));
  const heads = ["per case", "", "before", "after", "change", "95% interval", ""];
  const rows = measures.map(([name, each]) => {
    const { title, show } = MEASURES[name] ?? { title: name, show: String };
    const signed = (value) => (value < 0 ? "−" : "+") + show(Math.abs(value));
    const reach = each.interval ? `${signed(each.interval[0])} to ${signed(each.interval[1])}` : "";
    return el(
      "tr",
      null,
      el("th", { scope: "row" }, clean(title)),
      el("td", null, word(each.word)),
      [show(each.old), show(each.new), signed(each.difference)].map((text) => el("td", { class: "num" }, text)),
      el("td", { class: "num quiet" }, reach),
      el("td", { class: "forest" }, each.interval && changeBar(each)),
    );
  });
  const head = el(
    "tr",
    null,
    heads.map((text, index) => el("th", { scope: "col", class: index ? "num" : "" }, text)),
  );
  return el(
    "div",
    { class: "verdict" },
    el(
      "p",
      { class: "verdict-word" },
      word(found.word),
      " ",
      el("span", { class: "quiet" }, `${number.format(found.runs)} runs in both`),
    ),
    measures.length > 0 &&
      el(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": "Measures" },
        el("table", null, head, rows),
      ),
    el(
      "ul",
      { class: "quiet" },
      found.sentences.map((sentence) => el("li", null, clean(sentence))),
    ),
    found.left_out > 0 &&
      el("p", { class: "quiet" }, `${number.format(found.left_out)} without a verdict in one of the two, left out`),
  );
}

/** A change as a dot on its interval, with no change in the middle. */
function changeBar(each) {
  const reach = Math.max(...each.interval.map(Math.abs), Math.abs(each.difference)) * 1.05 || 1;
  const at = (value) => `${(50 + (50 * value) / reach).toFixed(2)}%`;
  return svg(
    "svg",
    { class: `change-bar ${each.word.replace(" ", "-")}`, "aria-hidden": "true" },
    svg("line", { class: "track", x1: "0", x2: "100%", y1: "50%", y2: "50%" }),
    svg("line", { class: "zero", x1: "50%", x2: "50%", y1: "0", y2: "100%" }),
    svg("line", { class: "interval", x1: at(each.interval[0]), x2: at(each.interval[1]), y1: "50%", y2: "50%" }),
    svg("circle", { class: "dot", cx: at(each.difference), cy: "50%", r: "3.5" }),
  );
}

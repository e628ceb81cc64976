// Expected against got: what failed and where, what a judge made of it, and what passed.

function nameOf(assert) {
  return assert.turn === undefined ? assert.type : `${assert.type} in turn ${assert.turn}`;
}

/** The failed assertions by the entries they look at. */
function flagsOf(found) {
  return (found.asserts ?? [])
    .filter((assert) => !assert.pass)
    .map((assert) => {
      const at = assert.evidence?.at ?? [];
      return { name: nameOf(assert), seqs: at.map((place) => place.seq), turns: at.map((place) => place.turn) };
    });
}

function assertions(found) {
  const asserts = found.asserts ?? [];
  const failed = asserts.filter((assert) => !assert.pass);
  const passed = asserts.filter((assert) => assert.pass);
  if (!asserts.length) return null;
  return el(
    "div",
    { class: "asserts" },
    failed.map(failure),
    passed.length > 0 &&
      el(
        "details",
        { class: "passed", open: failed.length === 0 && passed.length <= 12 },
        el("summary", null, `${count(passed.length, "assertion")} passed`),
        el(
          "ul",
          null,
          passed.map((assert) => el("li", null, assertLine(assert), assert.evidence?.details && saysMore(assert))),
        ),
      ),
  );
}

/** What is asserted, where it is written, and what it says when it is no plain yes or no. */
function assertLine(assert) {
  const value = assert.value === null || assert.value === undefined ? "" : oneLine(compact(assert.value), 160);
  const facts = [
    assert.score > 0 && assert.score < 1 && `score ${assert.score.toFixed(2)}`,
    assert.weight !== undefined && assert.weight !== 1 && `weight ${assert.weight}`,
    assert.line > 0 && `line ${assert.line}`,
  ];
  return [
    el("b", null, clean(nameOf(assert))),
    " ",
    value && el("code", null, value),
    " ",
    el("span", { class: "quiet" }, facts.filter(Boolean).join(" · ")),
    assert.pass && assert.reason && el("span", { class: "quiet" }, ` ${oneLine(assert.reason)}`),
  ];
}

function failure(assert) {
  const { expected = "", got = "", at = [], details: more } = assert.evidence ?? {};
  const [old, now] = expected && got ? pair(expected, got) : [block(expected, "code"), block(got, "code")];
  return el(
    "article",
    { class: "failure" },
    el("p", { class: "failure-name" }, assertLine(assert)),
    assert.reason && el("p", null, oneLine(assert.reason, 2000)),
    expected && labelled("expected", old),
    got && labelled("got", now),
    at.length > 0 && labelled("where", el("div", null, at.map(placeButton))),
    more !== undefined && more !== null && labelled("details", moreOf(more)),
  );
}

function saysMore(assert) {
  return el("details", { class: "more-facts" }, el("summary", null, "details"), moreOf(assert.evidence.details));
}

/** What a check says beside its verdict: the parts of a set, the votes of a judge, or whatever it wants. */
function moreOf(more) {
  if (Array.isArray(more) && more.every(isVerdict))
    return el(
      "ul",
      null,
      more.map((each) => el("li", { class: each.pass ? "" : "not" }, assertLine(each))),
    );
  if (Array.isArray(more?.votes) && more.votes.every((vote) => typeof vote?.pass === "boolean")) return votesOf(more);
  return block(pretty(more), "code");
}

function isVerdict(each) {
  return typeof each?.pass === "boolean" && typeof each.type === "string";
}

/** How a judge voted: each vote with its reason, each criterion with the words it quotes. */
function votesOf(ruling) {
  const score = (value) => (typeof value === "number" ? value.toFixed(2) : null);
  const facts = [
    ruling.rubric,
    ...["mean", "spread", "threshold"].map((name) => score(ruling[name]) && `${name} ${score(ruling[name])}`),
    ruling.straddles && "the votes straddle the threshold",
  ];
  return el(
    "div",
    { class: "votes" },
    el("p", { class: "facts" }, clean(facts.filter(Boolean).join(" · "))),
    ruling.votes.map((vote) =>
      el(
        "div",
        null,
        el(
          "p",
          null,
          pill(vote.pass ? "pass" : "fail"),
          ` ${score(vote.score) ?? ""} `,
          clean(String(vote.reason ?? "")),
        ),
        Array.isArray(vote.criteria) && el("ul", null, vote.criteria.map(criterionLine)),
      ),
    ),
  );
}

function criterionLine(each) {
  const quote = each?.evidence && el("q", null, clean(String(each.evidence)));
  const stray = each?.found === false && el("span", { class: "warning" }, " (not in what was judged)");
  return el("li", { class: each?.met ? "" : "not" }, clean(String(each?.criterion)), " ", quote, stray);
}

function placeButton(place) {
  const text = `turn ${place.turn}, entry ${place.seq}${place.tool ? `, ${place.tool}` : ""}`;
  return el(
    "button",
    { type: "button", class: "place", onclick: (event) => goTo(event.target, place.seq) },
    clean(text),
  );
}

/** Opens the step that the entry belongs to, on the side of the page that was asked. */
function goTo(button, seq) {
  const side = button.closest("[data-side]")?.dataset.side;
  const within = side === undefined ? "" : `[data-side="${side}"] `;
  const step = [...document.querySelectorAll(`${within}details.step`)].find((each) => has(each.step, seq));
  if (!step) return;
  step.open = true;
  step.scrollIntoView({ block: "center" });
  step.querySelector("summary").focus({ preventScroll: true });
}

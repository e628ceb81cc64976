// The page: what it is about, the figures, and then either the list or one case, by the address.

const THEMES = ["auto", "light", "dark"];
const KEYS = [
  ["j k", "next and previous case, also ↓ ↑"],
  ["Enter", "open the case"],
  ["Esc", "back to the list; out of the search"],
  ["/", "search"],
  ["f", "failed only, and all again"],
  ["e", "open or close all steps of a run"],
  ["t", "light, dark, or as the system is"],
  ["?", "these keys"],
];

function header() {
  const first = SIDES[0];
  const facts = [
    [...new Set(SIDES.flatMap((side) => side.models))].join(", "),
    [...new Set(SIDES.map((side) => moment(side.at)))].filter(Boolean).join(" → "),
    first.by,
    `network ${SIDES.map((side) => side.network ?? "?").join(" → ")}`,
    `tools executed ${SIDES.map((side) => side.tools_executed ?? "?").join(" → ")}`,
    SIDES.some((side) => side.exit !== null) && `exit ${SIDES.map((side) => side.exit ?? "?").join(" → ")}`,
  ];
  return el(
    "header",
    null,
    el("h1", null, clean(HEAD.title)),
    el("p", { class: "facts" }, clean(facts.filter(Boolean).join(" · "))),
    SIDES.map((side, place) => {
      const ran = `${number.format(TOTALS[place].runs)} of ${number.format(side.planned ?? 0)} runs were made`;
      return side.interrupted && el("p", { class: "warning" }, clean(`${side.label} was interrupted: ${ran}.`));
    }),
    el(
      "div",
      { class: "tools" },
      el("button", { type: "button", id: "theme", onclick: nextTheme }, "theme: auto"),
      el("button", { type: "button", onclick: () => document.getElementById("keys").showModal() }, "keys"),
    ),
  );
}

function keysDialog() {
  const rows = KEYS.map(([key, what]) => [
    el(
      "dt",
      null,
      key.split(" ").map((each) => el("kbd", null, each)),
    ),
    el("dd", null, what),
  ]);
  return el(
    "dialog",
    { id: "keys", "aria-label": "Keys" },
    el("dl", null, rows),
    el("form", { method: "dialog" }, el("button", null, "close")),
  );
}

// Addresses and keys --------------------------------------------------------------------------------------------------

let current = null; // the case that is shown
let scrolled = 0; // how far down the list was when a case was opened

async function route() {
  const entry = caseAt(location.hash);
  if (entry) return showCase(entry);
  const left = current;
  current = null;
  document.getElementById("case")?.remove();
  for (const id of ["summary", "cases"]) document.getElementById(id).hidden = false;
  document.title = clean(HEAD.title);
  scrollTo(0, scrolled);
  if (left) left.row?.querySelector("a").focus({ preventScroll: true });
}

async function showCase(entry) {
  if (!current) scrolled = scrollY;
  current = entry;
  const view = await caseView(entry, showCase);
  if (current !== entry) return; // another was opened meanwhile
  document.getElementById("case")?.remove();
  for (const id of ["summary", "cases"]) document.getElementById(id).hidden = true;
  document.querySelector("main").append(view);
  document.title = `${clean(entry.key)} · ${clean(HEAD.title)}`;
  scrollTo(0, 0);
  view.querySelector("h2").focus({ preventScroll: true });
}

function step(by) {
  if (current) {
    const next = visible[visible.indexOf(current) + by];
    if (next) location.hash = addressOf(next);
    return;
  }
  const at = visible.findIndex((entry) => entry.row?.contains(document.activeElement));
  const next = visible[at < 0 ? 0 : Math.min(Math.max(at + by, 0), visible.length - 1)];
  next?.row?.querySelector("a").focus();
  next?.row?.scrollIntoView({ block: "nearest" });
}

const ACTIONS = {
  j: () => step(1),
  ArrowDown: () => step(1),
  k: () => step(-1),
  ArrowUp: () => step(-1),
  "/": () => {
    location.hash = "";
    document.getElementById("search").focus();
  },
  f: () => document.querySelector(`[data-status="${shown.status === "fail" ? "" : "fail"}"]`)?.click(),
  e: toggleSteps,
  t: nextTheme,
  "?": () => document.getElementById("keys").showModal(),
  Escape: () => current && (location.hash = ""),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const field = event.target.closest?.("input, select");
  if (field) return fieldKey(event, field);
  const arrows = event.key.startsWith("Arrow");
  if (arrows && current) return; // they scroll what is being read
  const action = ACTIONS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

/** In a field, keys are what is typed, but for those that leave it. */
function fieldKey(event, field) {
  if (event.key === "Escape") {
    if (field.id === "search" && field.value) {
      field.value = "";
      field.dispatchEvent(new Event("input"));
    } else field.blur();
    event.preventDefault();
  } else if (field.id === "search" && (event.key === "Enter" || event.key === "ArrowDown")) {
    event.preventDefault();
    field.blur();
    step(0);
  }
}

// Light and dark ------------------------------------------------------------------------------------------------------

function nextTheme() {
  setTheme(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
}

function theme() {
  return document.documentElement.dataset.theme ?? "auto";
}

function setTheme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  document.getElementById("theme").textContent = `theme: ${name}`;
  try {
    localStorage.setItem("agentctl-theme", name);
  } catch {
    // a page from a disk may have nowhere to keep it
  }
}

function keptTheme() {
  try {
    const name = localStorage.getItem("agentctl-theme");
    return THEMES.includes(name) ? name : "auto";
  } catch {
    return "auto";
  }
}

// Start ---------------------------------------------------------------------------------------------------------------

document.body.append(header(), el("main", null, summary(), listView()), keysDialog());
setTheme(keptTheme());
fill();
addEventListener("hashchange", route);
addEventListener("keydown", onKey);
addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details")) {
    each.filling?.();
    each.open = true;
  }
});
if (caseAt(location.hash)) route();

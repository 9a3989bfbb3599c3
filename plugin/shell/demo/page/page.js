// Draws the joins that the demo tells of. Everything from outside becomes text, never markup.

const OUTCOMES = {
  allow: { word: "Allowed", icon: "M7 12.5l3.5 3.5L17 8.5", shape: "circle" },
  redirect: { word: "Redirected", icon: "M7.5 12h8.5M12.5 8l4 4-4 4", shape: "diamond" },
  deny: { word: "Denied", icon: "M8 8l8 8M16 8l-8 8", shape: "octagon" },
  unjudged: { word: "Not judged", icon: "M12 6.5v7M12 17.5h.01", shape: "diamond" },
  waiting: { word: "Joining", icon: "M7 12h.01M12 12h.01M17 12h.01", shape: "circle" },
};
const SHAPES = {
  circle: "M12 1a11 11 0 1 0 0 22 11 11 0 0 0 0-22z",
  diamond: "M12 .5L23.5 12 12 23.5.5 12z",
  octagon: "M7.4 1h9.2L23 7.4v9.2L16.6 23H7.4L1 16.6V7.4z",
};
const QUESTIONS = {
  "v1/tickets": "Are these proofs good for a ticket?",
  "service/configuration": "Which room does this caller get?",
  "participant/properties": "May this participant enter that room?",
  "participant/location": "Where do the media go?",
  "participant/avatar": "Which picture?",
};
const ENDINGS = {
  "service/configuration": "away",
  "participant/properties": "away at the door of the room",
  PIN: "away at the PIN prompt",
  "single sign-on": "away at its own sign-in",
};
// A node that hears nothing about these goes by its own default, and nobody gets in by that.
const HARMLESS = ["participant/location", "participant/avatar"];
const VERDICTS = {
  ticket: "ticket issued",
  refused: "refused",
  failed: "not finished",
  used: "answer used",
  rejected: "rejected",
  fallback: "no valid answer",
};
const NOBODY = { name: "Somebody else", story: "A question that none of the six asked. Perhaps it was yours." };
const OUTSIDE = { name: "outside", title: "Not admitted", note: "in no room" };
const FALLBACK = { name: "fallback", title: "Admitted unjudged", note: "by the platform's own database" };

const joins = new Map();
const cards = new Map();
const time = new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Oslo", timeStyle: "medium" });
let zones = [];

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

function icon(outcome) {
  const { icon: mark, shape } = OUTCOMES[outcome];
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  for (const [kind, path] of [["shape", SHAPES[shape]], ["mark", mark]]) {
    const drawn = document.createElementNS("http://www.w3.org/2000/svg", "path");
    drawn.setAttribute("d", path);
    drawn.setAttribute("class", kind);
    svg.append(drawn);
  }
  return svg;
}

const person = (join) => join.person ?? NOBODY;
const outcome = (join) => join.decisive?.outcome ?? (join.end ? "unjudged" : "waiting");

function inWords({ outcome: decided, zone }) {
  const word = OUTCOMES[decided].word.toLowerCase();
  return zone ? `${word} to ${zone}` : word;
}

function milliseconds(value) {
  if (value < 0.05) return "< 0.1 ms";
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

function ending(join) {
  const { end } = join;
  const { name } = person(join);
  if (end.room === null) {
    const refused = join.questions.some((asked) => ["refused", "failed"].includes(asked.verdict));
    const why = end.reason ? `: “${end.reason}”` : "";
    const how = refused ? "dialled without a ticket, and was" : "was";
    return `${name} ${how} turned ${ENDINGS[end.turned_away_at]} by the conferencing node${why}.`;
  }
  const fallback = end.admitted_by_fallback ? " It had no valid answer and admitted by its own database." : "";
  const role = end.role === "chair" ? "Host" : "Guest";
  return `The conferencing node put ${name} into “${end.room}” as ${role}.${fallback}`;
}

function badge(join) {
  const { word } = OUTCOMES[outcome(join)];
  const zone = join.decisive?.zone;
  return element("p", { class: "badge" }, icon(outcome(join)), element("strong", {}, word),
    zone ? element("span", {}, `to ${zone}`) : null);
}

function reason(mark) {
  const policies = mark.policies.map((policy) => element("code", {}, policy));
  const detail = mark.detail ? element("span", { class: "detail" }, mark.detail) : null;
  return element("li", {}, element("span", { class: "message" }, mark.message), ...policies, detail);
}

function fact(name, ...values) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, ...values));
}

function facts(join) {
  const { sign_in: signIn, device, conference } = person(join);
  const capabilities = join.records.at(-1)?.capabilities ?? [];
  return element("dl", { class: "facts" },
    signIn ? fact("Sign-in", signIn) : null,
    join.person ? fact("Device", device ?? "proves nothing") : null,
    fact("Conference", conference ?? join.decisive?.conference ?? ""),
    capabilities.length && join.end?.room ? fact("May", capabilities.join(", ")) : null,
    join.decisive?.remedy ? fact("Remedy", remedy(join.decisive.remedy)) : null);
}

function remedy({ acr_values: acrValues, max_age: seconds }) {
  const how = acrValues.length ? ` with ${acrValues.join(" or ")}` : "";
  return `sign in again${how}, at most ${duration(seconds)} before joining`;
}

function duration(seconds) {
  return seconds % 3600 ? `${seconds} seconds` : `${seconds / 3600} hours`;
}

function bar(from, part) {
  const drawn = element("span", { class: "bar" });
  drawn.style.setProperty("--from", from);
  drawn.style.setProperty("--part", part);
  return element("span", { class: "track" }, drawn);
}

function waterfall(record) {
  const total = record.steps.reduce((sum, step) => sum + step.milliseconds, 0) || 1;
  let before = 0;
  const rows = record.steps.map((step) => {
    const drawn = bar(before / total, step.milliseconds / total);
    before += step.milliseconds;
    return element("tr", {}, element("th", { scope: "row" }, step.name), element("td", {}, step.outcome),
      element("td", {}, drawn), element("td", { class: "number" }, milliseconds(step.milliseconds)));
  });
  const head = element("thead", { class: "unseen" }, element("tr", {},
    ...["Step", "Outcome", "When", "Time"].map((name) => element("th", { scope: "col" }, name))));
  return element("table", { class: "waterfall" },
    element("caption", { class: "unseen" }, "The steps of the decision"), head, element("tbody", {}, ...rows));
}

function verdict(asked, path) {
  if (asked.verdict === "fallback" && HARMLESS.includes(path)) return "nothing changed";
  return asked.problem ? `${VERDICTS[asked.verdict]}: ${asked.problem}` : VERDICTS[asked.verdict];
}

function question(asked, { record, from, part }) {
  const path = asked.name.split("/").slice(0, 2).join("/");
  const decided = record ? `, ${inWords(record)}` : "";
  const steps = record?.steps.map((step) => `${step.name} ${milliseconds(step.milliseconds)}`).join(", ");
  return element("li", {},
    element("p", { class: "asked" }, element("strong", {}, QUESTIONS[path] ?? asked.name),
      element("span", { class: "number" }, milliseconds(asked.milliseconds))),
    bar(from, part),
    element("p", {}, `${asked.asker}: ${verdict(asked, path)}${decided}`),
    record ? element("p", { class: "detail" }, element("code", {}, record.decision_id), ` ${steps}`) : null);
}

function questions(join) {
  if (!join.questions.length) return null;
  const total = join.questions.reduce((sum, asked) => sum + asked.milliseconds, 0) || 1;
  let before = 0;
  const rows = join.questions.map((asked) => {
    const record = join.records.find((one) => one.decision_id === asked.decision_id);
    const row = question(asked, { record, from: before / total, part: asked.milliseconds / total });
    before += asked.milliseconds;
    return row;
  });
  const count = rows.length === 1 ? "The one question" : `All ${rows.length} questions`;
  const summary = `${count} of this join, ${milliseconds(total)}`;
  return element("details", {}, element("summary", {}, summary), element("ol", {}, ...rows));
}

function evidence(record) {
  const ids = element("dl", { class: "ids" }, fact("Decision", element("code", {}, record.decision_id)),
    fact("Trace", element("code", {}, record.trace_id)),
    record.bundle ? fact("Policies", element("code", {}, record.bundle.slice(0, 12))) : null);
  return element("div", { class: "evidence" }, waterfall(record), ids);
}

function card(join) {
  const { name, story } = person(join);
  const record = join.decisive;
  const surprise = join.is_as_expected === false ? element("p", { class: "surprise" }, "Not what was expected.") : null;
  return element("li", { id: `join-${join.number}`, class: `card ${outcome(join)}`, tabindex: "-1" },
    element("div", { class: "top" }, element("h3", {}, name), badge(join),
      element("time", { datetime: join.began_at }, time.format(new Date(join.began_at)))),
    element("p", { class: "story" }, story), surprise,
    record ? element("ul", { class: "reasons" }, ...record.reasons.map(reason)) : null,
    join.end ? element("p", { class: "ending" }, ending(join)) : null,
    facts(join), record ? evidence(record) : null, questions(join));
}

function chip(join) {
  return element("a", { href: `#join-${join.number}`, class: outcome(join) }, icon(outcome(join)), join.person.name,
    join.end.role === "chair" ? element("small", {}, "Host") : null);
}

function placeOf({ end, decisive }) {
  if (end.room === null) return OUTSIDE.name;
  return end.admitted_by_fallback ? FALLBACK.name : decisive?.zone;
}

function whereabouts() {
  const latest = new Map();
  for (const join of joins.values()) if (join.person && join.end) latest.set(join.person.name, join);
  const everybody = [...latest.values()];
  const failed = everybody.some((join) => placeOf(join) === FALLBACK.name) ? [FALLBACK] : [];
  const places = [...zones, OUTSIDE, ...failed].map(({ name, title, note }) => {
    const people = everybody.filter((join) => placeOf(join) === name).map((join) => element("li", {}, chip(join)));
    return element("div", { class: `place ${name}` }, element("h3", {}, title), element("p", { class: "note" }, note),
      people.length ? element("ul", {}, ...people) : element("p", { class: "nobody" }, "nobody"));
  });
  const focused = document.activeElement?.closest("#whereabouts a")?.textContent;
  document.getElementById("whereabouts").replaceChildren(...places);
  for (const link of document.querySelectorAll("#whereabouts a")) if (link.textContent === focused) link.focus();
}

function show(join) {
  const drawn = card(join);
  const old = cards.get(join.number);
  if (old) old.replaceWith(drawn);
  else document.getElementById("joins").prepend(drawn);
  joins.set(join.number, join);
  cards.set(join.number, drawn);
}

function say(text) {
  document.getElementById("status").textContent = text;
}

function hear(join) {
  show(join);
  whereabouts();
  if (join.decisive) say(`${person(join).name}: ${inWords(join.decisive)}.`);
}

function hearEverything({ clock, zones: told, joins: soFar }) {
  zones = told.map(({ name, inside }) => (
    { name, title: `Zone ${name}`, note: inside ? "inside the boundary" : "outside the boundary" }));
  document.getElementById("clock").textContent = `The demo’s clock runs from ${clock}.`;
  document.getElementById("joins").replaceChildren();
  joins.clear();
  cards.clear();
  for (const join of soFar) show(join);
  whereabouts();
  say("");
}

async function play() {
  const answer = await fetch("demo/play", { method: "POST" });
  say(answer.ok ? "Playing the six joins." : "They are still at it.");
}

document.getElementById("play").addEventListener("click", play);
const events = new EventSource("demo/events");
events.addEventListener("everything", (event) => hearEverything(JSON.parse(event.data)));
events.addEventListener("message", (event) => hear(JSON.parse(event.data)));
events.addEventListener("error", () => say("No connection. Is the demo still running?"));

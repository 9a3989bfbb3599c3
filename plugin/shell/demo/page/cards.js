// Draws each join as a card, and where everybody is now.

import { badge, element, fact, icon } from "./drawing.js";
import { ending, milliseconds, outcome, person, remedy, role, time } from "./words.js";

const OUTSIDE = { name: "outside", title: "Not admitted", note: "in no room" };
const FALLBACK = { name: "fallback", title: "Admitted unjudged", note: "by the platform’s own database" };

// `choices` are the lists of the form, for what was chosen on this page.
export function card(join, choices) {
  const { name, story } = person(join);
  const surprise = join.is_as_expected === false ? element("p", { class: "surprise" }, "Not what was expected.") : null;
  const reasons = join.decisive?.reasons.map((mark) => element("li", {}, mark.message)) ?? [];
  return element("li", { id: `join-${join.number}`, class: `card ${outcome(join)}`, tabindex: "-1" },
    element("div", { class: "top" }, element("h3", {}, name), badge(join),
      element("time", { datetime: join.began_at }, time(join.began_at))),
    element("p", { class: "story" }, story), surprise,
    reasons.length ? element("ul", { class: "reasons" }, ...reasons) : null,
    join.end ? element("p", { class: "ending" }, ending(join)) : null,
    facts(join, choices), opener(join));
}

function facts(join, choices) {
  const { sign_in: signIn, device, conference } = person(join);
  const capabilities = join.records.at(-1)?.capabilities ?? [];
  return element("dl", { class: "facts" },
    signIn ? fact("Sign-in", signIn) : null,
    join.person ? fact("Device", device ?? "proves nothing") : null,
    join.attempt ? fact("Network", choices.network[join.attempt.network]) : null,
    fact("Conference", conference ?? join.decisive?.conference ?? ""),
    capabilities.length && join.end?.room ? fact("May", capabilities.join(", ")) : null,
    join.decisive?.remedy ? fact("Remedy", remedy(join.decisive.remedy)) : null);
}

// The button that opens a join's waterfall; page.js opens it, by the number.
export function opener(join) {
  if (!join.questions.length && !join.records.length) return null;
  const count = join.questions.length || join.records.length;
  const took = join.questions.reduce((sum, asked) => sum + asked.milliseconds, 0);
  const summary = `${count} question${count === 1 ? "" : "s"}${took ? ` in ${milliseconds(took)}` : ""}`;
  return element("p", { class: "more" },
    element("button", { type: "button", class: "open", "data-join": join.number, "aria-haspopup": "dialog" },
      "Open the waterfall", element("span", { class: "unseen" }, ` of ${person(join).name}’s join`)),
    element("span", { class: "detail" }, summary));
}

export function whereabouts(joins, zones) {
  const latest = new Map();
  for (const join of joins) if (join.person && join.end) latest.set(join.person.name, join);
  const everybody = [...latest.values()];
  const failed = everybody.some((join) => placeOf(join) === FALLBACK.name) ? [FALLBACK] : [];
  return [...zones, OUTSIDE, ...failed].map(({ name, title, note }) => {
    const people = everybody.filter((join) => placeOf(join) === name).map((join) => element("li", {}, chip(join)));
    return element("div", { class: `place ${name}` }, element("h3", {}, title), element("p", { class: "note" }, note),
      people.length ? element("ul", {}, ...people) : element("p", { class: "nobody" }, "nobody"));
  });
}

function chip(join) {
  return element("a", { href: `#join-${join.number}`, class: outcome(join) }, icon(outcome(join)), join.person.name,
    join.end.role === "chair" ? element("small", {}, role(join.end)) : null);
}

function placeOf({ end, decisive }) {
  if (end.room === null) return OUTSIDE.name;
  return end.admitted_by_fallback ? FALLBACK.name : decisive?.zone;
}

// The form that lets somebody join as was chosen, and what differs from the attempt before.

import { opener } from "./cards.js";
import { badge, element } from "./drawing.js";
import { OUTCOMES, ending, outcome, role } from "./words.js";

const FIELDS = {
  person: "Who",
  laptop: "On which laptop",
  moment: "When",
  network: "From where",
  conference: "To which conference",
};
// What is compared, besides the choices themselves.
const RESULTS = {
  Decision: (join) => OUTCOMES[outcome(join)].word,
  Zone: (join) => join.decisive?.zone ?? "none",
  Role: (join) => (join.end.room ? role(join.end) : "none"),
  May: (join) => (join.end.room && join.records.at(-1)?.capabilities.join(", ")) || "nothing",
  Reasons: (join) => join.decisive?.reasons.map((mark) => mark.message).join(" ") || "none",
  Policies: (join) => join.decisive?.reasons.flatMap((mark) => mark.policies).join(", ") || "none",
};

export function fill(form, choices) {
  const fields = Object.entries(FIELDS).map(([name, label]) => {
    const options = Object.entries(choices[name]).map(([value, text]) => element("option", { value }, text));
    const select = element("select", { id: `try-${name}`, name }, ...options);
    const chosen = form.elements.namedItem(name)?.value;
    if (chosen) select.value = chosen;
    return element("div", {}, element("label", { for: `try-${name}` }, label), select);
  });
  form.querySelector("#choices").replaceChildren(...fields);
}

// Sends what was chosen. Returns the join as it went, or throws an Error that says why there is none.
export async function attempt(form) {
  const chosen = Object.fromEntries(new FormData(form));
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch("demo/attempts", { method: "POST", headers, body: JSON.stringify(chosen) })
    .catch(() => { throw new Error("No connection. Is the demo still running?"); });
  if (answer.status === 409) throw new Error("Somebody is still joining. Try again when they are done.");
  if (!answer.ok) throw new Error(`The demo could not do that: ${await answer.text()}`);
  return answer.json();
}

// `before` is the attempt before this one, if there was one.
export function result(join, { before, choices }) {
  return [
    element("h3", {}, "What came of it"),
    element("div", { class: "top" }, badge(join), element("p", {}, ending(join))),
    ...(join.decisive?.reasons ?? []).map((mark) => element("p", { class: "reason" }, mark.message)),
    before ? comparison(before, join, choices)
      : element("p", { class: "detail" }, "Change one choice and try again: what differs is then shown here."),
    opener(join),
  ];
}

function comparison(before, now, choices) {
  const chosen = Object.entries(FIELDS).map(([name, label]) => (
    [label, choices[name][before.attempt[name]], choices[name][now.attempt[name]]]));
  const results = Object.entries(RESULTS).map(([label, read]) => [label, read(before), read(now)]);
  const changed = ([, old, current]) => old !== current;
  if (![...chosen, ...results].some(changed)) {
    return element("p", { class: "detail" }, "The same choices, and the same result as before.");
  }
  return element("table", { class: "comparison" },
    element("caption", {}, "What differs from the attempt before"),
    element("thead", {}, element("tr", {}, element("td", {}), element("th", { scope: "col" }, "Before"),
      element("th", { scope: "col" }, "Now"))),
    group("Chosen", chosen.filter(changed)), group("Result", results.filter(changed)));
}

function group(title, rows) {
  const drawn = rows.map(([label, old, current]) => element("tr", {}, element("th", { scope: "row" }, label),
    element("td", {}, old), element("td", {}, current)));
  const same = element("tr", {}, element("td", { colspan: 3 }, "the same as before"));
  return element("tbody", {},
    element("tr", {}, element("th", { scope: "rowgroup", colspan: 3, class: "group" }, title)),
    ...(rows.length ? drawn : [same]));
}

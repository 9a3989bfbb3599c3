// The words of the page: what became of a join, and what each question and step was about.

export const OUTCOMES = {
  allow: { word: "Allowed", icon: "M7 12.5l3.5 3.5L17 8.5", shape: "circle" },
  redirect: { word: "Redirected", icon: "M7.5 12h8.5M12.5 8l4 4-4 4", shape: "diamond" },
  deny: { word: "Denied", icon: "M8 8l8 8M16 8l-8 8", shape: "octagon" },
  unjudged: { word: "Not judged", icon: "M12 6.5v7M12 17.5h.01", shape: "diamond" },
  waiting: { word: "Joining", icon: "M7 12h.01M12 12h.01M17 12h.01", shape: "circle" },
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
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Oslo", timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat("en-GB", { timeZone: "Europe/Oslo", weekday: "long" });

export const person = (join) => join.person ?? NOBODY;
export const outcome = (join) => join.decisive?.outcome ?? (join.end ? "unjudged" : "waiting");
export const titleOf = (asked) => QUESTIONS[kind(asked)] ?? asked.name;

export function time(moment) {
  const date = new Date(moment);
  return `${DAY.format(date)} ${CLOCK.format(date)}`;
}

export function inWords({ outcome: decided, zone }) {
  const word = OUTCOMES[decided].word.toLowerCase();
  return zone ? `${word} to ${zone}` : word;
}

export function milliseconds(value) {
  if (value > 0 && value < 0.05) return "< 0.1 ms";
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

export function percent(part) {
  if (part > 0 && part < 0.001) return "< 0.1 %";
  return `${(part * 100).toFixed(part < 0.1 ? 1 : 0)} %`;
}

export function ending(join) {
  const { end } = join;
  const { name } = person(join);
  if (end.room === null) {
    const refused = join.questions.some((asked) => ["refused", "failed"].includes(asked.verdict));
    const why = end.reason ? `: “${end.reason}”` : "";
    const how = refused ? "dialled without a ticket, and was" : "was";
    return `${name} ${how} turned ${ENDINGS[end.turned_away_at]} by the conferencing node${why}.`;
  }
  const fallback = end.admitted_by_fallback ? " It had no valid answer and admitted by its own database." : "";
  return `The conferencing node put ${name} into “${end.room}” as ${role(end)}.${fallback}`;
}

export const role = (end) => (end.role === "chair" ? "Host" : "Guest");

export function verdict(asked) {
  if (asked.verdict === "fallback" && HARMLESS.includes(kind(asked))) return "no answer, which changes nothing";
  return asked.problem ? `${VERDICTS[asked.verdict]}: ${asked.problem}` : VERDICTS[asked.verdict];
}

export function remedy({ acr_values: acrValues, max_age: seconds }) {
  const how = acrValues.length ? ` with ${acrValues.join(" or ")}` : "";
  return `sign in again${how}, at most ${duration(seconds)} before joining`;
}

function duration(seconds) {
  return seconds % 3600 ? `${seconds} seconds` : `${seconds / 3600} hours`;
}

function kind(asked) {
  return asked.name.split("/").slice(0, 2).join("/");
}

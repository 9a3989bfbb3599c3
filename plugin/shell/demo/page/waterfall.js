// Draws one join in full: what each audience was told, and every question with its steps against the time budget.

import { badge, bar, element, fact, icon } from "./drawing.js";
import { ending, inWords, milliseconds, percent, person, remedy, time, titleOf, verdict } from "./words.js";

const SCALES = [1, 2, 4, 10, 20, 40, 100, 200, 400, 1000];
const BAD = ["refused", "unavailable", "failed", "deny"];

// `budget` is what an answer may take, in milliseconds.
export function waterfall(join, budget) {
  const questions = questionsOf(join);
  const longest = Math.max(0, ...questions.map(({ steps }) => lengthOf(steps)));
  const scale = SCALES.find((most) => most >= longest) ?? budget;
  return [
    element("div", { class: "summary" }, badge(join),
      element("p", { class: "detail" }, `${join.person?.conference ?? join.decisive?.conference ?? ""}, `,
        element("time", { datetime: join.began_at }, time(join.began_at)))),
    element("section", { "aria-labelledby": "told-title" },
      element("h3", { id: "told-title" }, "What each audience was told"), audiences(join)),
    element("section", { "aria-labelledby": "steps-title" },
      element("h3", { id: "steps-title" }, "Every question, step by step"),
      element("p", { class: "detail" }, `An answer may take ${budget / 1000} s. The thin bar shows how much of that each `
        + `one took; below it, the same steps on a scale of ${scale} ms, placed by when they began.`),
      element("ol", { class: "questions" }, ...questions.map((asked) => question(asked, { budget, scale })))),
  ];
}

// A stranger's decision comes without the question that a player would have kept.
function questionsOf(join) {
  const recordOf = (asked) => join.records.find((record) => record.decision_id === asked.decision_id) ?? null;
  if (join.questions.length) return join.questions.map((asked) => ({ ...asked, record: recordOf(asked) }));
  return join.records.map((record) => (
    { asker: record.platform, name: `The ${record.phase} question`, verdict: null, steps: record.steps, record }));
}

function lengthOf(steps) {
  const last = steps.at(-1);
  return last ? last.began + last.milliseconds : 0;
}

function audiences(join) {
  return element("div", { class: "audiences" },
    audience("The person", toThePerson(join)),
    audience("The host", toTheHost(join)),
    audience("Staff", join.decisive ? toStaff(join.decisive) : element("p", {}, "Nothing: no decision was made.")));
}

function audience(title, told) {
  return element("section", {}, element("h4", {}, title), told);
}

function toThePerson(join) {
  const told = join.questions.flatMap((asked) => asked.told.map((text) => [text, `said by the ${asked.asker}`]));
  const own = join.end?.reason ? [[join.end.reason, "said by the conferencing node, in its own words"]] : [];
  const safe = (join.decisive?.reasons ?? []).map((mark) => [mark.message, "written for the person, and shown by nobody"]);
  const sentences = [...told, ...own, ...safe];
  const isFirst = ([text], index) => sentences.findIndex(([other]) => other === text) === index;
  const quotes = sentences.filter(isFirst).map(([text, by]) => (
    element("li", {}, element("q", {}, text), element("span", { class: "detail" }, by))));
  return element("div", {}, join.end?.room ? element("p", {}, ending(join)) : null, element("ul", {}, ...quotes));
}

// The platform passes the line on as far as it can; which of the answers it came with makes no difference.
function toTheHost(join) {
  const notice = join.records.map((record) => record.host_notice).find(Boolean);
  return notice ? element("q", {}, notice) : element("p", { class: "detail" }, "Nothing.");
}

function toStaff(record) {
  const reasons = record.reasons.map((mark) => element("li", {}, element("code", {}, mark.code),
    mark.detail ? element("span", { class: "detail" }, mark.detail) : null, ...policiesOf(mark)));
  return element("div", {}, element("ul", {}, ...reasons), element("dl", { class: "ids" },
    record.remedy ? fact("Remedy", remedy(record.remedy)) : null,
    id("Decision", record.decision_id), id("Trace", record.trace_id), id("Bundle", record.bundle.slice(0, 12)),
    word("Judged as", record.principal), word("Trunk", record.trunk), word("Far end", record.far_end),
    id("Person, as a pseudonym", record.person), id("Device, as a pseudonym", record.device)));
}

function policiesOf(mark) {
  return mark.policies.map((policy) => {
    const [name, place] = policy.split(" ");
    return element("span", { class: "policy" }, element("code", {}, name), element("span", { class: "detail" }, place));
  });
}

function word(name, value) {
  return value ? fact(name, value) : null;
}

function id(name, value) {
  return value ? fact(name, element("code", {}, value)) : null;
}

function question(asked, { budget, scale }) {
  const { record, steps } = asked;
  const took = lengthOf(steps);
  return element("li", { class: record?.outcome ?? "waiting" },
    element("h4", {}, titleOf(asked)),
    element("p", { class: "detail" }, [`Asked by the ${asked.asker}`, asked.verdict ? verdict(asked) : null,
      asked.milliseconds ? `${milliseconds(asked.milliseconds)} there and back` : null].filter(Boolean).join(", "), "."),
    steps.length ? element("div", { class: "budget" }, bar(0, took / budget), element("p", { class: "number" },
      `${milliseconds(took)}, ${percent(took / budget)} of ${budget / 1000} s`)) : null,
    steps.length ? timeline(steps, scale) : element("p", { class: "detail" }, "Nothing is decided here."),
    record ? decision(record) : null);
}

function timeline(steps, scale) {
  const rows = steps.map((step) => element("tr", { class: BAD.includes(step.outcome) ? "bad" : "" },
    element("th", { scope: "row" }, step.name),
    element("td", { class: "word" }, step.outcome),
    element("td", { class: "when" }, bar(step.began / scale, step.milliseconds / scale)),
    element("td", { class: "number" }, milliseconds(step.began)),
    element("td", { class: "number" }, milliseconds(step.milliseconds))));
  const ticks = [0, scale / 4, scale / 2, (scale * 3) / 4, scale].map((at) => element("span", {}, `${at}`));
  const head = element("tr", {}, element("th", { scope: "col" }, "Step"), element("th", { scope: "col" }, "Outcome"),
    element("th", { scope: "col", class: "when" }, element("span", { class: "unseen" }, "When"),
      element("span", { class: "ticks", "aria-hidden": "true" }, ...ticks)),
    element("th", { scope: "col", class: "number" }, "Began"), element("th", { scope: "col", class: "number" }, "Took"));
  return element("table", { class: "timeline" }, element("thead", {}, head), element("tbody", {}, ...rows));
}

function decision(record) {
  const reasons = record.reasons.map((mark) => element("li", {}, mark.message, ...policiesOf(mark)));
  const words = inWords(record);
  return element("div", { class: "decision" },
    element("p", {}, icon(record.outcome), element("strong", {}, words[0].toUpperCase() + words.slice(1)),
      element("code", {}, record.decision_id)),
    element("ul", {}, ...reasons));
}

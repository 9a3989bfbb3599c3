// Hears of the joins, and keeps the page up to date with them.

import { attempt, fill, result } from "./attempts.js";
import { card, whereabouts } from "./cards.js";
import { waterfall } from "./waterfall.js";
import { inWords, person } from "./words.js";

const find = (id) => document.getElementById(id);
const dialog = find("waterfall");
const form = find("try");
const joins = new Map();
const cards = new Map();
let told = { zones: [], choices: {}, budget: 0 };

function say(text) {
  find("status").textContent = text;
}

function show(join) {
  const drawn = card(join, told.choices);
  const old = cards.get(join.number);
  const hadFocus = old?.contains(document.activeElement);
  if (old) old.replaceWith(drawn);
  else find("joins").prepend(drawn);
  if (hadFocus) drawn.focus();
  joins.set(join.number, join);
  cards.set(join.number, drawn);
}

function showWhereabouts() {
  const focused = document.activeElement?.closest("#whereabouts a")?.textContent;
  find("whereabouts").replaceChildren(...whereabouts(joins.values(), told.zones));
  for (const link of document.querySelectorAll("#whereabouts a")) if (link.textContent === focused) link.focus();
}

function hear(join) {
  show(join);
  showWhereabouts();
  if (join.decisive) say(`${person(join).name}: ${inWords(join.decisive)}.`);
}

function hearEverything({ clock, zones, choices, budget, joins: soFar }) {
  const named = zones.map(({ name, inside }) => (
    { name, title: `Zone ${name}`, note: inside ? "inside the boundary" : "outside the boundary" }));
  told = { zones: named, choices, budget };
  find("clock").textContent = `The demo’s clock runs from ${clock}.`;
  find("joins").replaceChildren();
  joins.clear();
  cards.clear();
  for (const join of soFar) show(join);
  showWhereabouts();
  fill(form, choices);
  say("");
}

async function play() {
  const answer = await fetch("demo/play", { method: "POST" });
  say(answer.ok ? "Playing the six joins." : "They are still at it.");
}

async function tryJoin(event) {
  event.preventDefault();
  find("problem").textContent = "";
  try {
    const join = await attempt(form);
    const tried = [...joins.values()].filter((other) => other.attempt && other.end && other.number < join.number);
    const before = tried.at(-1);
    find("result").replaceChildren(...result(join, { before, choices: told.choices }));
    joins.set(join.number, join);
  } catch (error) {
    find("problem").textContent = error.message;
  }
}

function open(number) {
  const join = joins.get(number);
  find("waterfall-title").textContent = `${person(join).name}’s join`;
  find("waterfall-body").replaceChildren(...waterfall(join, told.budget));
  dialog.showModal();
  dialog.scrollTop = 0;
}

// A click anywhere on a card does what its button does, unless it was for a link, or marked some text.
function click(event) {
  const opener = event.target.closest("button.open") ?? event.target.closest(".card")?.querySelector("button.open");
  if (!opener || event.target.closest("a") || String(getSelection())) return;
  opener.focus();
  open(Number(opener.dataset.join));
}

find("play").addEventListener("click", play);
form.addEventListener("submit", tryJoin);
find("joins").addEventListener("click", click);
find("result").addEventListener("click", click);
find("close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
const events = new EventSource("demo/events");
events.addEventListener("everything", (event) => hearEverything(JSON.parse(event.data)));
events.addEventListener("message", (event) => hear(JSON.parse(event.data)));
events.addEventListener("error", () => say("No connection. Is the demo still running?"));

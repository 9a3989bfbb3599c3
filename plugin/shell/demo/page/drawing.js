// What everything on the page is drawn with. Whatever comes from outside becomes text, never markup.

import { OUTCOMES, outcome } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const SHAPES = {
  circle: "M12 1a11 11 0 1 0 0 22 11 11 0 0 0 0-22z",
  diamond: "M12 .5L23.5 12 12 23.5.5 12z",
  octagon: "M7.4 1h9.2L23 7.4v9.2L16.6 23H7.4L1 16.6V7.4z",
};

// Makes an element; children that are null are left out.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function icon(name) {
  const { icon: mark, shape } = OUTCOMES[name];
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  for (const [kind, path] of [["shape", SHAPES[shape]], ["mark", mark]]) {
    const drawn = document.createElementNS(SVG, "path");
    drawn.setAttribute("d", path);
    drawn.setAttribute("class", kind);
    svg.append(drawn);
  }
  return svg;
}

export function badge(join) {
  const name = outcome(join);
  const zone = join.decisive?.zone;
  return element("p", { class: `badge ${name}` }, icon(name), element("strong", {}, OUTCOMES[name].word),
    zone ? element("span", {}, `to ${zone}`) : null);
}

export function fact(name, ...values) {
  return element("div", {}, element("dt", {}, name), ...values.map((value) => element("dd", {}, value)));
}

// Draws a part of a whole that begins at `from`, both as fractions. Its numbers stand beside it in text.
export function bar(from, part) {
  const drawn = element("span", { class: "bar" });
  drawn.style.setProperty("--from", from);
  drawn.style.setProperty("--part", part);
  return element("span", { class: "track", "aria-hidden": "true" }, drawn);
}

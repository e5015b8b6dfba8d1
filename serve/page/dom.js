/** @file Elements, and numbers as people read them. */

/** The element of this id. */
export const byId = (id) => document.getElementById(id);

/** An element with properties, listeners (`onclick`) and children; strings become text, never markup. */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Terms and what they say, in a `dl`; those without a value are left out. */
export function facts(list, pairs) {
  list.replaceChildren(
    ...pairs
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([term, value]) => el("div", {}, el("dt", {}, term), el("dd", {}, String(value)))),
  );
}

/** An input for files and the button that opens it. */
export function picker(text, accept, multiple, take) {
  const input = el("input", { type: "file", accept, multiple, className: "hidden", tabIndex: -1, "aria-label": text });
  input.addEventListener("change", () => {
    take([...input.files]);
    // The same file may be chosen again.
    input.value = "";
  });
  return [el("button", { type: "button", className: "tool", onclick: () => input.click() }, text), input];
}

const number = (value, digits) => new Intl.NumberFormat("en", { maximumSignificantDigits: digits }).format(value);

/** A number with the prefix that keeps it short. */
function scaled(value, unit, steps) {
  const [factor, prefix] = steps.find(([least]) => Math.abs(value) >= least) ?? steps.at(-1);
  return `${number(value / factor, 3)} ${prefix}${unit}`;
}

/** Seconds. */
export const seconds = (value) =>
  value === 0
    ? "0 s"
    : scaled(value, "s", [
        [1, ""],
        [1e-3, "m"],
        [1e-6, "µ"],
      ]);

/** Joules. */
export const joules = (value) =>
  value === 0
    ? "0 J"
    : scaled(value, "J", [
        [1e3, "k"],
        [1, ""],
        [1e-3, "m"],
        [1e-6, "µ"],
      ]);

/** Bytes. */
export const bytes = (value) =>
  scaled(value, "B", [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
    [1, ""],
  ]);

/** A share or a score, with as many digits as one compares. */
export const share = (value) => value.toFixed(3);

/** A count and its noun. */
export const count = (value, noun, many = `${noun}s`) => `${value.toLocaleString("en")} ${value === 1 ? noun : many}`;

/** @file Who answered, why, how sure and at what cost: what stands under every answer. */

import { bytes, el, facts, joules, seconds, share } from "./dom.js";

/** The `mlecs` of an answer; `usage` where tokens were counted. */
export function toldNote(told, usage) {
  const list = el("dl", { className: "facts" });
  facts(list, [
    ["Took", seconds(told.latency_seconds)],
    ["Energy, estimated", told.estimated_joules == null ? null : joules(told.estimated_joules)],
    ["Time, estimated", told.estimated_seconds == null ? null : seconds(told.estimated_seconds)],
    ["Between edge and cloud", bytes(told.bytes ?? 0)],
    ["Sensed", told.modalities?.join(", ") || "nothing"],
    ["Masked", told.masked?.join(", ")],
    ["Device", told.device],
    ["Tokens", usage && `${usage.prompt_tokens} in, ${usage.completion_tokens} out`],
    ["Score of this answer", told.score == null ? null : share(told.score)],
  ]);
  return el("footer", { className: "told" }, degraded(told), who(told), sure(told), list);
}

function who(told) {
  return el(
    "p",
    { className: "who" },
    el("span", { className: `side ${told.answered_by}` }, told.answered_by),
    el("code", {}, told.model),
    el("span", { className: "why" }, told.why),
  );
}

/** Confidence as a bar with a mark at the threshold, where both lie in 0..1 as shares do. */
function sure(told) {
  if (told.confidence == null) return null;
  const limit = told.threshold == null ? "" : `, asks the cloud below ${share(told.threshold)}`;
  // Answers of one confidence may lie on both sides of the threshold, scores do not.
  const scores = told.threshold_score == null ? "" : ` (score ${share(told.score)} of ${share(told.threshold_score)})`;
  const bar = el("span", { className: "gauge", "aria-hidden": "true" }, el("span", { className: "fill" }));
  place(bar.firstChild, "width", told.confidence);
  if (told.threshold != null) {
    bar.append(el("span", { className: "mark" }));
    place(bar.lastChild, "left", told.threshold);
  }
  return el("p", { className: "sure" }, el("span", {}, `Confidence ${share(told.confidence)}${limit}${scores}`), bar);
}

/** What did not work, where another had to answer. */
export function degraded(told) {
  return told.degraded ? el("p", { className: "note warn" }, el("strong", {}, "Degraded: "), told.degraded) : null;
}

/** Set a share of the width; script may, where the page's policy forbids style in markup. */
export function place(node, property, value) {
  node.style[property] = `${Math.max(0, Math.min(1, value)) * 100}%`;
}

/** Probabilities as bars, the most likely first. */
export function bars(probabilities) {
  const ranked = Object.entries(probabilities).sort(([, a], [, b]) => b - a);
  return el(
    "ol",
    { className: "bars", "aria-label": "Probabilities" },
    ...ranked.map(([name, value]) => {
      const fill = el("span", { className: "fill" });
      place(fill, "width", value);
      return el(
        "li",
        {},
        el("span", { className: "class" }, name),
        el("span", { className: "gauge", "aria-hidden": "true" }, fill),
        el("span", { className: "value" }, share(value)),
      );
    }),
  );
}

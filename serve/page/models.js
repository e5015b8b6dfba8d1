/** @file The models that can be asked, in a select and in facts. */

import { call } from "./api.js";
import { el, facts } from "./dom.js";

const GROUPS = [
  ["gateway", "The gateway chooses"],
  ["cloud", "Cloud"],
  ["edge", "Edge"],
  ["encoder", "Encoders"],
];

/** The cards of all models. */
export async function listModels() {
  return (await call("/v1/models")).data;
}

/** Put models into a select, `auto` first; whoever was chosen stays so. */
export function fill(select, models) {
  const before = select.value;
  const groups = GROUPS.map(([side, title]) => [title, models.filter((model) => model.side === side)]);
  select.replaceChildren(
    ...groups
      .filter(([, cards]) => cards.length)
      .map(([title, cards]) =>
        el("optgroup", { label: title }, ...cards.map((card) => el("option", { value: card.id }, card.id))),
      ),
  );
  if (models.some((model) => model.id === before)) select.value = before;
}

/** What a model is. */
export function describe(list, model) {
  const domains = Object.entries(model.domains ?? {}).sort(([, a], [, b]) => b - a);
  facts(list, [
    ["Version", model.version],
    ["Answers with", { text: "words", class: "a class", embedding: "a vector" }[model.answers] ?? model.answers],
    ["Senses", model.modalities.join(", ")],
    ["Structure", model.structure === model.id ? null : model.structure],
    ["Device", model.device],
    ["Learned from", model.samples ? `${model.samples} samples` : null],
    [
      "Most of",
      domains
        .slice(0, 3)
        .map(([name, n]) => `${name} (${n})`)
        .join(", "),
    ],
  ]);
}

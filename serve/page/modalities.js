/** @file What kind of content a modality is, by its name: the model card has names only. */

const KINDS = [
  ["image", /^(image|video|rgb)/],
  ["speech", /^(speech|audio)/],
  ["text", /^(text|subtitle)/],
];

/** `image`, `speech`, `text`, or `values`: numbers of a sensor. */
export const kindOf = (modality) => KINDS.find(([, names]) => names.test(modality))?.[0] ?? "values";

/** A model's modalities of one kind, in its order. */
export const ofKind = (model, kind) => (model?.modalities ?? []).filter((modality) => kindOf(modality) === kind);

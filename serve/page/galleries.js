/** @file The galleries that there are, and the one that is looked at. */

import { call } from "./api.js";
import { byId, count, el, facts } from "./dom.js";

const NEW = "";
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
let galleries = [];

/** Ask for the galleries and offer them; `wanted` is chosen where it is there. */
export async function look(wanted = byId("gallery").value) {
  galleries = (await call("/v1/gallery")).data;
  byId("gallery").replaceChildren(
    ...galleries.map(({ id }) => el("option", { value: id }, id)),
    el("option", { value: NEW }, "New gallery…"),
  );
  if (galleries.some(({ id }) => id === wanted)) byId("gallery").value = wanted;
  show();
}

/** Show what the chosen gallery is. */
export function show() {
  const gallery = galleries.find(({ id }) => id === byId("gallery").value);
  byId("gallery-new").hidden = gallery !== undefined;
  byId("gallery-chosen").textContent = gallery?.id ?? "new";
  facts(byId("gallery-facts"), gallery ? told(gallery) : []);
}

function told(gallery) {
  if (gallery.damaged) return [["State", "damaged: it answers nothing before it is restored, or dropped and made anew"]];
  return [
    ["Holds", count(gallery.entries, "entry", "entries")],
    ["Vectors of", gallery.space],
    ["Numbers each", gallery.width],
  ];
}

/** The gallery's name. Throws an Error in plain words where a new one has none. */
export function name() {
  if (byId("gallery").value) return byId("gallery").value;
  const given = byId("gallery-name").value.trim();
  if (NAME.test(given)) return given;
  byId("gallery").closest("details").open = true;
  byId("gallery-name").focus();
  throw new Error("Give the new gallery a name: letters, digits and . _ -, the first a letter or a digit.");
}

/** Whether a gallery is chosen that is there already. */
export const exists = () => byId("gallery").value !== NEW;

/** @file The view in which a gallery is searched. */

import { call } from "./api.js";
import { byId, count, el, seconds, share } from "./dom.js";
import * as enrol from "./enrol.js";
import { faultNote } from "./faults.js";
import * as galleries from "./galleries.js";
import { describe, fill } from "./models.js";
import { isInline } from "./pictures.js";
import { degraded, place } from "./told.js";
import { dropInto, pasteInto, Tray } from "./tray.js";

let models = [];
let tray = null;

const model = () => models.find(({ id }) => id === byId("search-model").value);

/** Make the view work. */
export function start() {
  tray = new Tray(byId("search-tray"), byId("search-tools"), { onFault: complain, onChange: ready });
  tray.use(null);
  dropInto(byId("search-form"), (files) => tray.take(files));
  pasteInto(byId("search-form"), (files) => tray.take(files));
  byId("search-model").addEventListener("change", choose);
  byId("gallery").addEventListener("change", () => {
    galleries.show();
    forget();
  });
  byId("query").addEventListener("input", ready);
  byId("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  enrol.start({ model: () => byId("search-model").value, enrolled: (gallery) => galleries.look(gallery).then(ready) });
}

/** Offer these models. */
export function offer(cards) {
  models = cards;
  fill(byId("search-model"), models);
  choose();
  if (!byId("search").hidden) shown();
}

/** Look which galleries there are. */
export async function shown() {
  const first = !byId("gallery").options.length;
  try {
    await galleries.look();
    if (first) byId("enrol").open = !galleries.exists();
    ready();
  } catch (error) {
    byId("search-fault").replaceChildren(faultNote(error, shown));
  }
}

function choose() {
  if (!model()) return;
  describe(byId("search-facts"), model());
  tray.use(model());
}

function complain(message) {
  byId("search-fault").replaceChildren(
    ...(message ? [el("p", { className: "note bad", role: "alert" }, message)] : []),
  );
}

/** Either words or what is sensed is searched for. */
function ready() {
  const sensed = tray.items.length > 0;
  byId("query").disabled = sensed;
  byId("query").placeholder = sensed ? "What was added is searched for" : "Words, a picture or a sound";
  byId("search-send").disabled = !galleries.exists() || !(sensed || byId("query").value.trim());
}

function forget() {
  complain("");
  byId("results").replaceChildren();
  byId("search-said").textContent = "";
  ready();
}

async function search() {
  if (byId("search-send").disabled) return;
  forget();
  byId("search-said").textContent = "Searching…";
  try {
    const found = await call("/v1/search", { body: compose() });
    byId("search-said").textContent =
      `${count(found.data.length, "result")} by ${found.model} in ${seconds(found.latency_seconds)}`;
    byId("search-fault").replaceChildren(...(found.mlecs?.degraded ? [degraded(found.mlecs)] : []));
    byId("results").append(...found.data.map((one, at) => result(found.gallery, one, at + 1)));
  } catch (error) {
    byId("search-said").textContent = "";
    byId("search-fault").replaceChildren(faultNote(error, error.status === undefined ? null : search));
  }
}

/** The search as the API takes it. Throws an Error in plain words. */
function compose() {
  const input = tray.items.length ? tray.parts() : byId("query").value.trim();
  const most = Math.max(1, Math.min(100, Math.round(Number(byId("top").value)) || 12));
  return { model: byId("search-model").value, gallery: galleries.name(), input, top_k: most };
}

/** One that was found. */
function result(gallery, one, rank) {
  const bar = el("span", { className: "fill" });
  place(bar, "width", one.score);
  const picture = isInline(one.thumbnail)
    ? el("img", { src: one.thumbnail, alt: "" })
    : el("span", { className: "blank" }, "no picture");
  const item = el(
    "li",
    { className: "hit" },
    el("span", { className: "rank", "aria-hidden": "true" }, String(rank)),
    picture,
    el("strong", { title: one.id }, one.id),
    el("span", { className: "hint" }, [one.identity, one.camera].filter(Boolean).join(" · ")),
    el(
      "span",
      { className: "score" },
      share(one.score),
      el("span", { className: "gauge", "aria-hidden": "true" }, bar),
    ),
    el(
      "button",
      {
        type: "button",
        className: "remove",
        "aria-label": `Delete ${one.id}`,
        onclick: () => remove(gallery, one.id, item),
      },
      "Delete",
    ),
  );
  return item;
}

async function remove(gallery, id, item) {
  if (!confirm(`Delete ${id} from the gallery ${gallery}?`)) return;
  complain("");
  try {
    await call(`/v1/gallery/${encodeURIComponent(gallery)}/${encodeURIComponent(id)}`, { method: "DELETE" });
    item.remove();
    byId("search-said").textContent = `${id} is deleted.`;
    await galleries.look();
  } catch (error) {
    byId("search-fault").replaceChildren(faultNote(error, () => remove(gallery, id, item)));
  }
}

/** @file Pictures on their way into a gallery, as many a call as the server takes. */

import { call } from "./api.js";
import { byId, count, el } from "./dom.js";
import { faultNote } from "./faults.js";
import * as galleries from "./galleries.js";
import { shrunk } from "./pictures.js";
import { dropInto } from "./tray.js";

const MOST_ENTRIES = 64;
/** Of pictures in one call; the server refuses bodies above 32 MiB. */
const MOST_CHARACTERS = 16_000_000;
const ID_CHARACTERS = 128;

/** Pictures by id. */
const waiting = new Map();
let view = null;
let busy = false;

/** Make the form work: `model()` names who looks, `enrolled(gallery)` is told what was changed. */
export function start(around) {
  view = around;
  byId("enrol-pick").addEventListener("click", () => byId("enrol-files").click());
  byId("enrol-files").addEventListener("change", async () => {
    const files = [...byId("enrol-files").files];
    byId("enrol-files").value = "";
    await take(files);
  });
  dropInto(byId("enrol"), take);
  byId("enrol-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (waiting.size && !busy) enrol();
  });
}

async function take(files) {
  byId("enrol-fault").replaceChildren();
  for (const file of files) {
    try {
      const picture = await shrunk(file);
      // A slash in an id could not stand in the address that deletes it.
      waiting.set(picture.name.replaceAll("/", "_").slice(-ID_CHARACTERS), picture);
    } catch (error) {
      byId("enrol-fault").append(el("p", { className: "note bad", role: "alert" }, error.message));
    }
  }
  draw();
}

function draw() {
  const drop = (id) => {
    waiting.delete(id);
    draw();
  };
  byId("enrol-list").replaceChildren(
    ...[...waiting].map(([id, picture]) =>
      el(
        "li",
        {},
        el("img", { src: picture.thumbnail, alt: "" }),
        el("span", { className: "name", title: id }, id),
        el(
          "button",
          { type: "button", className: "remove", "aria-label": `Leave ${id} out`, onclick: () => drop(id) },
          "×",
        ),
      ),
    ),
  );
  byId("enrol-send").disabled = busy || !waiting.size;
  byId("enrol-send").textContent = waiting.size ? `Enrol ${waiting.size}` : "Enrol";
}

/** Enrol all that wait, batch by batch; what is in is no longer shown as waiting. */
async function enrol() {
  byId("enrol-fault").replaceChildren();
  try {
    const gallery = galleries.name();
    const all = waiting.size;
    working(true, all);
    while (waiting.size) {
      const batch = nextBatch();
      await call(`/v1/gallery/${encodeURIComponent(gallery)}`, {
        body: { model: view.model(), entries: batch.map(entry) },
      });
      for (const [id] of batch) waiting.delete(id);
      byId("enrol-progress").value = all - waiting.size;
      byId("enrol-said").textContent = `${all - waiting.size} of ${count(all, "picture")} enrolled in ${gallery}.`;
      draw();
    }
    await view.enrolled(gallery);
  } catch (error) {
    byId("enrol-fault").replaceChildren(faultNote(error, error.status === undefined ? null : () => busy || enrol()));
  }
  working(false, 0);
  draw();
}

/** As many as one call takes. */
function nextBatch() {
  const batch = [];
  let characters = 0;
  for (const [id, picture] of waiting) {
    characters += picture.url.length;
    if (batch.length === MOST_ENTRIES || (batch.length && characters > MOST_CHARACTERS)) break;
    batch.push([id, picture]);
  }
  return batch;
}

/** One picture as the API takes it. */
function entry([id, picture]) {
  return {
    id,
    input: [{ type: "image_url", image_url: { url: picture.url } }],
    identity: byId("identity").value.trim() || null,
    camera: byId("camera").value.trim() || null,
    thumbnail: picture.thumbnail,
  };
}

function working(on, all) {
  busy = on;
  byId("enrol-progress").hidden = !on;
  if (on) Object.assign(byId("enrol-progress"), { max: all, value: 0 });
}

/** @file The page: its views, the models in them, and whether the gateway is ready. */

import * as chat from "./chat.js";
import { byId } from "./dom.js";
import { faultNote } from "./faults.js";
import * as key from "./key.js";
import { listModels } from "./models.js";
import * as search from "./search.js";
import * as versions from "./versions.js";

const VIEWS = { chat, search, versions };
const AGAIN_MS = 2000;

/** Show the view that the address names. */
function show() {
  const name = location.hash.slice(1) in VIEWS ? location.hash.slice(1) : "chat";
  for (const view of Object.keys(VIEWS)) byId(view).hidden = view !== name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  scrollTo(0, 0);
  VIEWS[name].shown();
}

/** Say whether the models are loaded, until they are. */
async function watch() {
  const state = byId("state");
  try {
    const response = await fetch("/readyz", { cache: "no-store" });
    const said = await response.json();
    state.textContent = response.ok ? said.version : "models are loading";
    state.title = response.ok ? "The version that answers" : "";
    state.className = response.ok ? "state good" : "state";
    if (response.ok) return;
  } catch {
    state.textContent = "no answer from the gateway";
    state.className = "state";
  }
  setTimeout(watch, AGAIN_MS);
}

/** Ask who can be asked. */
async function load() {
  document.querySelector("#load-fault")?.remove();
  try {
    const models = await listModels();
    chat.offer(models);
    search.offer(models);
  } catch (error) {
    const note = faultNote(error, load);
    note.id = "load-fault";
    byId("main").prepend(note);
  }
}

/** Keep the settings open beside the content, and closed above it on small screens. */
function fold() {
  const wide = matchMedia("(min-width: 52rem)");
  const set = () =>
    document.querySelectorAll("details.panel").forEach((panel) => {
      panel.open = wide.matches;
    });
  wide.addEventListener("change", set);
  set();
}

// A file that is dropped beside a form must not take the page's place.
for (const type of ["dragover", "drop"]) addEventListener(type, (event) => event.preventDefault());
for (const part of [key, chat, search, versions]) part.start();
addEventListener("hashchange", show);
key.onKey(load);
fold();
show();
watch();
load();

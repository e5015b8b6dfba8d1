/** @file The API key: kept for this tab, asked for when a call needs one. */

import { byId } from "./dom.js";

const SLOT = "mlecs.key";
const watchers = [];
let asking = null;

/** The key of this tab; empty where there is none. */
export const key = () => sessionStorage.getItem(SLOT) ?? "";

/** Call this when the key has changed. */
export const onKey = (watcher) => watchers.push(watcher);

/** Keep a key, or forget it where it is empty. */
function keep(value) {
  if (value === key()) return;
  if (value) sessionStorage.setItem(SLOT, value);
  else sessionStorage.removeItem(SLOT);
  for (const watcher of watchers) watcher();
}

/** Ask for a key; whether one was given. All who ask at once share one answer. */
export function askKey(why) {
  asking ??= shown(why).finally(() => {
    asking = null;
  });
  return asking;
}

/** The dialog, until it is closed. */
function shown(why) {
  const dialog = byId("key-dialog");
  byId("key-why").textContent = why;
  byId("key").value = "";
  byId("key-forget").hidden = !key();
  dialog.returnValue = "";
  dialog.showModal();
  byId("key").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(closed(dialog.returnValue)), { once: true });
  });
}

/** What follows from the button that was pressed. */
function closed(pressed) {
  const given = byId("key").value.trim();
  byId("key").value = "";
  if (pressed === "forget") keep("");
  if (pressed === "use" && given) keep(given);
  return pressed === "use" && given !== "";
}

/** Make the buttons work. */
export function start() {
  const dialog = byId("key-dialog");
  byId("key-cancel").addEventListener("click", () => dialog.close(""));
  byId("key-forget").addEventListener("click", () => dialog.close("forget"));
  byId("key-button").addEventListener("click", () =>
    askKey(key() ? "A key is in use." : "Calls are made without a key."),
  );
}

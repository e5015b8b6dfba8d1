/** @file Refusals as notes with a button that waits for as long as the server asked. */

import { el } from "./dom.js";

/** What went wrong, when to come back, and a button to ask again. */
export function faultNote(error, again) {
  const wait = error.retryAfter;
  const note = el("div", { className: "note bad", role: "alert" }, el("p", {}, error.message));
  if (wait) note.append(el("p", { className: "hint" }, `The server asks to come back in ${wait} s.`));
  if (again) note.append(againButton(wait ?? 0, again));
  return note;
}

/** A button that is free once the wait is over; the seconds count down on it. */
function againButton(wait, again) {
  const button = el("button", { type: "button", className: "plain", "aria-live": "off", onclick: again });
  const tick = (left) => {
    button.disabled = left > 0;
    button.textContent = left > 0 ? `Ask again in ${left} s` : "Ask again";
    if (left > 0) setTimeout(() => tick(left - 1), 1000);
  };
  tick(Math.ceil(wait));
  return button;
}

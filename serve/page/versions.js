/** @file The view of what answers and what is on trial. */

import { call } from "./api.js";
import { byId, el, seconds, share } from "./dom.js";
import { faultNote } from "./faults.js";
import { onKey } from "./key.js";

let canary = null;

/** Make the view work. */
export function start() {
  byId("versions-again").addEventListener("click", shown);
  byId("promote").addEventListener("click", () => order("promote", `Let ${canary} answer everyone?`));
  byId("back").addEventListener("click", () => order("roll back", `${byId("back").textContent}?`));
  onKey(() => allow(true));
}

/** Look at the versions. */
export async function shown() {
  byId("versions-fault").replaceChildren();
  try {
    draw(await call("/v1/versions"));
  } catch (error) {
    byId("versions-fault").replaceChildren(faultNote(error, shown));
  }
}

async function order(action, question) {
  if (!confirm(question)) return;
  byId("versions-fault").replaceChildren();
  try {
    draw(await call("/v1/versions", { body: { action } }));
  } catch (error) {
    if (error.status === 403) allow(false, error.message);
    else byId("versions-fault").replaceChildren(faultNote(error, null));
  }
}

/** Whether this key may change anything, as far as is known: the server says so only when it is asked. */
function allow(may, why) {
  byId("versions-admin").hidden = may;
  byId("versions-admin").textContent = may ? "" : `This key may look, but change nothing: ${why}.`;
  byId("back").disabled = !may;
  byId("promote").disabled = !may;
}

function draw(found) {
  canary = found.canary;
  byId("versions-cards").replaceChildren(
    card("Answers", found.stable, found.canary ? `${percent(1 - found.share)} of the traffic` : "all traffic"),
    card(
      "On trial",
      found.canary,
      found.canary
        ? `${percent(found.share)} of the traffic`
        : "A newer version of the run goes on trial here before it answers.",
    ),
  );
  byId("promote").hidden = !found.canary;
  byId("promote").textContent = `Promote ${found.canary}`;
  byId("back").textContent = found.canary ? `Take ${found.canary} back` : "Go back to the version before";
  byId("tallies").replaceChildren(table(found));
  byId("history").replaceChildren(...found.history.toReversed().map((line) => el("li", {}, line)));
  if (!found.history.length)
    byId("history").append(el("li", { className: "hint" }, "Nothing has changed since the server started."));
}

const percent = (part) => new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1 }).format(part);

function card(title, version, words) {
  return el(
    "div",
    { className: "sheet" },
    el("h2", {}, title),
    version ? el("code", { className: "big" }, version) : el("p", { className: "big" }, "none"),
    el("p", { className: "hint" }, words),
  );
}

/** What each version has shown. */
function table({ tallies, known }) {
  const rows = Object.entries(tallies).map(([name, tally]) => [
    name,
    String(tally.answers),
    percent(tally.failure_rate),
    tally.mean_seconds == null ? "–" : seconds(tally.mean_seconds),
    tally.mean_confidence == null ? "–" : share(tally.mean_confidence),
  ]);
  if (!rows.length)
    return el("p", { className: "hint" }, `Nothing to compare: no version was on trial. Loaded: ${known.join(", ")}.`);
  const head = ["Version", "Answers", "Failed", "Mean time", "Mean confidence"];
  return el(
    "table",
    {},
    el("thead", {}, el("tr", {}, ...head.map((name) => el("th", { scope: "col" }, name)))),
    el(
      "tbody",
      {},
      ...rows.map(([name, ...cells]) =>
        el("tr", {}, el("th", { scope: "row" }, name), ...cells.map((cell) => el("td", {}, cell))),
      ),
    ),
  );
}

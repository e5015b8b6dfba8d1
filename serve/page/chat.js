/** @file The view in which models are asked: words as they come, classes as bars. */

import { call, stream } from "./api.js";
import { byId, el } from "./dom.js";
import { faultNote } from "./faults.js";
import { ofKind } from "./modalities.js";
import { describe, fill } from "./models.js";
import { bars, toldNote } from "./told.js";
import { dropInto, pasteInto, Tray } from "./tray.js";

let models = [];
let tray = null;
let running = null;
/** Words said so far, for models that are to know them. */
const turns = [];

const chosen = () => models.find((model) => model.id === byId("chat-model").value);
const classifies = () => chosen()?.answers === "class";

/** Make the view work. */
export function start() {
  tray = new Tray(byId("chat-tray"), byId("chat-tools"), { onFault: complain, onChange: ready });
  tray.use(null);
  dropInto(byId("chat"), (files) => tray.take(files));
  pasteInto(byId("chat"), (files) => tray.take(files));
  byId("chat-model").addEventListener("change", choose);
  byId("words").addEventListener("input", ready);
  byId("words").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    byId("composer").requestSubmit();
  });
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!running && !byId("send").disabled) submit();
  });
  byId("stop").addEventListener("click", () => running?.abort());
}

/** Go on where the conversation ended. */
export function shown() {
  byId("log").lastElementChild?.scrollIntoView({ block: "nearest" });
}

/** Offer these models. */
export function offer(cards) {
  models = cards.filter((model) => model.answers !== "embedding");
  fill(byId("chat-model"), models);
  choose();
}

function complain(message) {
  byId("composer-fault").textContent = message;
  byId("composer-fault").hidden = !message;
}

/** Show what the chosen model takes. */
function choose() {
  const model = chosen();
  if (!model) return;
  byId("chat-chosen").textContent = model.id;
  describe(byId("chat-facts"), model);
  const sensed = ofKind(model, "text");
  byId("chat-auto").hidden = model.side !== "gateway" || classifies();
  byId("chat-words").hidden = classifies();
  byId("chat-line").hidden = classifies() && !sensed.length;
  byId("sense-box").hidden = !sensed.length;
  byId("sense").replaceChildren(
    ...(classifies() ? [] : [el("option", { value: "" }, "said to the model")]),
    ...sensed.map((modality) => el("option", { value: modality }, `sensed as ${modality}`)),
  );
  byId("send").textContent = classifies() ? "Classify" : "Send";
  byId("welcome-text").textContent = welcome(model);
  tray.use(model);
  ready();
}

function welcome(model) {
  const senses = model.modalities.length
    ? ` ${model.id} senses ${model.modalities.join(", ")}; what you leave out is masked.`
    : "";
  if (classifies()) return `Add what is sensed, and see which class it is.${senses}`;
  return `Drop, paste or choose something to see or hear, add words if you like, and send.${senses}`;
}

function ready() {
  const words = !byId("chat-line").hidden && byId("words").value.trim();
  byId("send").disabled = !words && !tray.items.length;
}

/** Take what stands in the composer and ask. */
function submit() {
  complain("");
  let question;
  try {
    question = compose();
  } catch (error) {
    complain(error.message);
    return;
  }
  byId("welcome").hidden = true;
  byId("log").append(
    el(
      "article",
      { className: "turn mine", "aria-label": "You" },
      ...tray.shown(),
      question.words ? el("p", { className: "said" }, question.words) : null,
    ),
  );
  byId("words").value = "";
  tray.clear();
  ask(question);
}

/** The question as the API takes it. Throws an Error in plain words. */
function compose() {
  const words = byId("chat-line").hidden ? "" : byId("words").value.trim();
  const modality = byId("sense-box").hidden ? "" : byId("sense").value;
  const text = words ? [{ type: "text", text: words, ...(modality && { modality }) }] : [];
  const content = [...text, ...tray.parts()];
  const model = byId("chat-model").value;
  if (classifies()) return { words, path: "/v1/classify", body: { model, input: content } };
  const earlier = byId("keep").checked ? [...turns] : [];
  const body = {
    model,
    messages: [...earlier, { role: "user", content }],
    stream: true,
    stream_options: { include_usage: true },
  };
  const tokens = Number(byId("tokens").value);
  if (tokens > 0) body.max_tokens = tokens;
  if (!byId("chat-auto").hidden) body.mlecs = wish();
  return { words, path: "/v1/chat/completions", body, remembered: modality ? "" : words };
}

function wish() {
  const latency = Number(byId("latency").value);
  return {
    ...(byId("policy").value && { policy: byId("policy").value }),
    ...(latency > 0 && { max_latency_seconds: latency }),
  };
}

/** Ask, and show the answer in an article of its own. */
async function ask(question) {
  const said = el("p", { className: "said" });
  const article = el(
    "article",
    { className: "turn theirs", "aria-label": question.body.model, "aria-busy": "true" },
    said,
  );
  byId("log").append(article);
  busy(new AbortController());
  article.scrollIntoView({ block: "nearest" });
  try {
    await (question.body.stream ? words : label)(question, article, said);
  } catch (error) {
    if (error.name === "AbortError") article.append(el("p", { className: "hint" }, "Stopped."));
    else article.append(faultNote(error, () => running || (article.remove(), ask(question))));
  }
  if (!said.textContent) said.remove();
  article.setAttribute("aria-busy", "false");
  busy(null);
  article.scrollIntoView({ block: "nearest" });
}

/** An answer in words, as it comes. */
async function words(question, article, said) {
  let told = null;
  let usage = null;
  for await (const chunk of stream(question.path, { body: question.body, signal: running.signal })) {
    said.append(chunk.choices[0]?.delta?.content ?? "");
    told = chunk.mlecs ?? told;
    usage = chunk.usage ?? usage;
  }
  if (question.remembered) turns.push({ role: "user", content: question.remembered });
  if (said.textContent) turns.push({ role: "assistant", content: said.textContent });
  if (told && !said.textContent) article.append(el("p", { className: "hint" }, "It said no words."));
  if (told) article.append(toldNote(told, usage));
}

/** A class, and how sure the model is of each. */
async function label(question, article, said) {
  const found = await call(question.path, { body: question.body, signal: running.signal });
  said.textContent = found.label ?? found.said ?? "no class";
  article.append(bars(found.probabilities), toldNote(found.mlecs));
}

/** Show Stop in place of Send while an answer is under way. */
function busy(controller) {
  const held = document.activeElement === byId(controller ? "send" : "stop");
  running = controller;
  byId("send").hidden = controller !== null;
  byId("stop").hidden = controller === null;
  if (held) (controller ? byId("stop") : byId("words")).focus();
}

/** @file What goes along with a question: pictures, sounds and numbers, each for one of the model's modalities. */

import { el, picker } from "./dom.js";
import { ofKind } from "./modalities.js";
import { shrunk } from "./pictures.js";
import { canRecord, LONGEST_SECONDS, readSound, record } from "./sounds.js";

const SOUNDS = /\.(wav|mp3|ogg|oga|flac|m4a|webm|opus)$/i;

/** The kind of a file; null for one that is neither a picture nor a sound. */
function kindOfFile(file) {
  if (file.type.startsWith("image/")) return "image";
  return file.type.startsWith("audio/") || SOUNDS.test(file.name) ? "speech" : null;
}

/** A list of attachments and the buttons that add to it. */
export class Tray {
  /** `onFault(message)` is told what cannot be read, `onChange()` that something came or went. */
  constructor(list, tools, { onFault, onChange }) {
    this.items = [];
    this.model = null;
    this.list = list;
    this.onFault = onFault;
    this.onChange = onChange;
    this.buttons = {
      image: picker("Picture", "image/*", false, (files) => this.take(files)),
      speech: picker("Sound", "audio/*,.wav,.mp3,.ogg,.flac", false, (files) => this.take(files)),
      record: [this.#recorder()],
      values: [el("button", { type: "button", className: "tool", onclick: () => this.#addNumbers() }, "Numbers")],
    };
    tools.append(...Object.values(this.buttons).flat());
  }

  /** Offer what this model senses. */
  use(model) {
    this.model = model;
    const senses = (kind) => ofKind(model, kind).length > 0;
    const offered = {
      image: senses("image"),
      speech: senses("speech"),
      record: senses("speech") && canRecord(),
      values: senses("values"),
    };
    for (const [name, [button]] of Object.entries(this.buttons)) button.hidden = !offered[name];
    const kept = this.items;
    this.items = [];
    for (const item of kept) this.#place(item);
    if (!this.items.length && offered.values && !offered.image && !offered.speech) this.#addNumbers();
    this.#draw();
  }

  /** Files that were picked, dropped or pasted. */
  async take(files) {
    this.onFault("");
    for (const file of files) {
      try {
        const kind = kindOfFile(file);
        if (!kind) throw new Error(`${file.name} is neither a picture nor a sound.`);
        this.#place({ kind, ...(await (kind === "image" ? shrunk(file) : readSound(file))) });
      } catch (error) {
        this.onFault(error.message);
      }
    }
    this.#draw();
  }

  /** Content parts as the API takes them. Throws an Error in plain words. */
  parts() {
    return this.items.map((item) => {
      const modality = item.modality ? { modality: item.modality } : {};
      if (item.kind === "image") return { type: "image_url", image_url: { url: item.url }, ...modality };
      if (item.kind === "speech")
        return { type: "input_audio", input_audio: { data: item.data, format: item.format }, ...modality };
      return { type: "input_values", input_values: { values: numbers(item) }, ...modality };
    });
  }

  /** The attachments as one looks back at them. */
  shown() {
    return this.items.map((item) => el("figure", {}, preview(item), el("figcaption", {}, item.modality ?? item.name)));
  }

  /** Take everything out. */
  clear() {
    this.items = [];
    this.use(this.model);
  }

  /** One of each modality can be sensed: a further one takes the last one's place. */
  #place(item) {
    const offered = ofKind(this.model, item.kind);
    const free = offered.filter((modality) => !this.items.some((other) => other.modality === modality));
    if (offered.length && !free.length)
      this.items.splice(
        this.items.findLastIndex((other) => other.kind === item.kind),
        1,
        { ...item, modality: offered.at(-1) },
      );
    else {
      // A file may say by its name what it is, as thing_desc_ru.ogg does.
      const named = free.find((one) => item.name?.toLowerCase().split(/[^a-z0-9]+/).includes(one.split("_").at(-1)));
      const modality = free.includes(item.modality) ? item.modality : (named ?? free[0] ?? null);
      this.items.push({ ...item, modality });
    }
  }

  #addNumbers() {
    this.#place({ kind: "values", name: "numbers", text: "" });
    this.#draw();
    this.list.querySelector("li:last-child textarea")?.focus();
  }

  #draw() {
    this.list.replaceChildren(
      ...(this.items.length ? [el("ul", {}, ...this.items.map((item) => this.#row(item)))] : []),
    );
    this.onChange();
  }

  #row(item) {
    const remove = () => {
      this.items = this.items.filter((other) => other !== item);
      this.#draw();
    };
    const shown = item.kind === "values" ? numbersField(item) : preview(item);
    const choice = this.#choice(item);
    const close = el(
      "button",
      { type: "button", className: "remove", "aria-label": `Remove ${item.name}`, onclick: remove },
      "×",
    );
    return el(
      "li",
      { className: item.kind },
      shown,
      el("span", { className: "name" }, nameOf(item, choice)),
      choice,
      close,
    );
  }

  /** Which modality it is, where the model has several of its kind. */
  #choice(item) {
    const offered = ofKind(this.model, item.kind);
    if (offered.length < 2) return null;
    const choose = (event) => {
      const other = this.items.find((one) => one.modality === event.target.value);
      if (other) other.modality = item.modality;
      item.modality = event.target.value;
      this.#draw();
    };
    const options = offered.map((modality) =>
      el("option", { value: modality, selected: modality === item.modality }, modality),
    );
    return el("select", { "aria-label": `Modality of ${item.name}`, onchange: choose }, ...options);
  }

  #recorder() {
    let running = null;
    let timer = 0;
    const button = el("button", { type: "button", className: "tool", "aria-live": "off" }, "Record");
    const end = async () => {
      clearInterval(timer);
      const recording = running;
      running = null;
      button.textContent = "Record";
      button.classList.remove("live");
      this.#place({ kind: "speech", ...(await recording.stop()) });
      this.#draw();
    };
    const begin = async () => {
      running = await record();
      const since = Date.now();
      button.classList.add("live");
      const tick = () => {
        const passed = Math.round((Date.now() - since) / 1000);
        button.textContent = `Stop recording (${passed} s)`;
        if (passed >= LONGEST_SECONDS) end().catch((error) => this.onFault(error.message));
      };
      tick();
      timer = setInterval(tick, 1000);
    };
    button.addEventListener("click", () => {
      this.onFault("");
      (running ? end() : begin()).catch((error) => this.onFault(error.message));
    });
    return button;
  }
}

/** Numbers go by their modality, unless that is chosen beside them. */
const nameOf = (item, choice) => (item.kind === "values" && !choice && item.modality) || item.name;

/** A picture, a player, or the numbers. */
function preview(item) {
  if (item.kind === "image") return el("img", { src: item.url, alt: item.name });
  if (item.kind === "speech")
    return el("audio", { src: item.url, controls: true, preload: "metadata", "aria-label": item.name });
  return el("code", {}, item.text.length > 80 ? `${item.text.slice(0, 80)}…` : item.text);
}

function numbersField(item) {
  return el("textarea", {
    rows: 2,
    value: item.text,
    placeholder: "[0.1, 0.2, …], lists of up to four levels",
    "aria-label": "Numbers as JSON",
    oninput: (event) => {
      item.text = event.target.value;
    },
  });
}

/** The list that was written. Throws an Error in plain words. */
function numbers(item) {
  const where = item.modality ?? "The numbers";
  try {
    const values = JSON.parse(item.text);
    if (Array.isArray(values)) return values;
  } catch {
    // Told below, with what is not a list.
  }
  throw new Error(`${where}: write a list of numbers as JSON, like [0.1, 0.2].`);
}

/** Let files be dropped on an element. */
export function dropInto(element, take) {
  const lit = (on) => element.classList.toggle("dropping", on);
  element.addEventListener("dragover", (event) => lit([...event.dataTransfer.types].includes("Files")));
  element.addEventListener("dragleave", (event) => {
    if (!element.contains(event.relatedTarget)) lit(false);
  });
  element.addEventListener("drop", (event) => {
    lit(false);
    take([...event.dataTransfer.files]);
  });
}

/** Let files be pasted while an element is shown. */
export function pasteInto(element, take) {
  document.addEventListener("paste", (event) => {
    if (!element.checkVisibility() || !event.clipboardData.files.length) return;
    event.preventDefault();
    take([...event.clipboardData.files]);
  });
}

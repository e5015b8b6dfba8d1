/** @file Calls of the gateway's API, and its refusals as errors in plain words. */

import { askKey, key } from "./key.js";

/** A call that was refused or did not come through; `retryAfter` in seconds where the server named it. */
export class ApiError extends Error {
  constructor(status, message, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

const LOST = "The gateway does not answer: it may have stopped, or the connection is gone.";
const KEYLESS = "This gateway asks for an API key.";
const STRANGE = "The gateway does not know this key, or it has expired.";

/** One call with the key of this tab. */
async function reach(path, { method, body, signal } = {}) {
  const headers = {};
  if (key()) headers.authorization = `Bearer ${key()}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const how = { method: method ?? (body === undefined ? "GET" : "POST"), headers, signal, cache: "no-store" };
  try {
    return await fetch(path, body === undefined ? how : { ...how, body: JSON.stringify(body) });
  } catch (error) {
    throw error.name === "AbortError" ? error : new ApiError(0, LOST);
  }
}

/** What a refusal says. */
async function fault(response) {
  if (response.status === 401) return new ApiError(401, key() ? STRANGE : KEYLESS);
  const said = await response.json().catch(() => null);
  const after = Number(response.headers.get("retry-after"));
  const message = said?.error?.message ?? `The gateway answered ${response.status} and said nothing more.`;
  return new ApiError(response.status, message, after > 0 ? after : null);
}

/** The response of a call that went well; a key is asked for where one is wanted. Throws ApiError and AbortError. */
export async function send(path, options) {
  for (;;) {
    const used = key();
    const response = await reach(path, options);
    if (response.ok) return response;
    const error = await fault(response);
    // Another call may have been given a new key meanwhile.
    if (response.status !== 401 || (key() === used && !(await askKey(error.message)))) throw error;
  }
}

/** The JSON of a call that went well. */
export async function call(path, options) {
  const response = await send(path, options);
  try {
    return await response.json();
  } catch (error) {
    throw error.name === "AbortError" ? error : new ApiError(0, LOST);
  }
}

/** The events of a streamed answer until `[DONE]`. Throws ApiError for one that tells of an error, and for a cut. */
export async function* stream(path, options) {
  const response = await send(path, options);
  for await (const data of events(response.body)) {
    if (data === "[DONE]") return;
    const event = JSON.parse(data);
    if (event.error) throw new ApiError(0, event.error.message);
    yield event;
  }
  throw new ApiError(0, "The answer broke off: the connection was lost.");
}

/** The `data` of server-sent events. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read().catch((error) => {
      throw error.name === "AbortError" ? error : new ApiError(0, LOST);
    });
    if (done) return;
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const lines = block.split(/\r?\n/).filter((line) => line.startsWith("data:"));
      if (lines.length) yield lines.map((line) => line.slice(5).trimStart()).join("\n");
    }
  }
}

/** @file Sounds: files as they are where the server reads them, everything else and recordings as 16-bit WAV. */

/** What the server brings all sounds to. */
const RATE = 16_000;
/** The server takes a minute. */
export const LONGEST_SECONDS = 59;
const AS_THEY_ARE = new Set(["wav", "mp3", "ogg", "flac"]);

/** Whether the browser lets this page use a microphone: on this machine, or over HTTPS. */
export const canRecord = () => Boolean(navigator.mediaDevices?.getUserMedia && window.MediaRecorder);

/** A file as it is sent: `{name, data, format, url}`. Throws an Error in plain words. */
export async function readSound(file) {
  const format = file.name.split(".").pop().toLowerCase();
  if (AS_THEY_ARE.has(format)) {
    return { name: file.name, format, data: await base64(file), url: URL.createObjectURL(file) };
  }
  return asWav(file, file.name);
}

/** Any sound that the browser can decode, as WAV. */
async function asWav(blob, name) {
  let sound;
  try {
    sound = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await blob.arrayBuffer());
  } catch {
    throw new Error(`${name} cannot be read as a sound.`);
  }
  const file = new Blob([wav(mono(sound), RATE)], { type: "audio/wav" });
  return { name, format: "wav", data: await base64(file), url: URL.createObjectURL(file) };
}

/** The mean of all channels. */
function mono(sound) {
  const channels = Array.from({ length: sound.numberOfChannels }, (_, at) => sound.getChannelData(at));
  return Float32Array.from(
    { length: sound.length },
    (_, at) => channels.reduce((sum, one) => sum + one[at], 0) / channels.length,
  );
}

/** A WAV file of one channel of 16 bits. */
function wav(samples, rate) {
  const view = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const text = (at, word) => [...word].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + samples.length * 2, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, rate * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, samples.length * 2, true);
  samples.forEach((sample, at) => view.setInt16(44 + at * 2, Math.max(-1, Math.min(1, sample)) * 32767, true));
  return view.buffer;
}

/** Base64 of a file. */
function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(new Error("The file cannot be read."));
    reader.readAsDataURL(blob);
  });
}

/** Record until `stop` of what is returned is called; that gives the sound. Throws an Error in plain words. */
export async function record() {
  let microphone;
  try {
    microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch (error) {
    throw new Error(
      error.name === "NotFoundError" ? "No microphone was found." : "The browser does not allow the microphone.",
    );
  }
  const recorder = new MediaRecorder(microphone);
  const pieces = [];
  recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
  const ended = new Promise((resolve) => recorder.addEventListener("stop", resolve, { once: true }));
  recorder.start();
  return {
    async stop() {
      recorder.stop();
      await ended;
      for (const track of microphone.getTracks()) track.stop();
      return asWav(new Blob(pieces, { type: recorder.mimeType }), "recording");
    },
  };
}

/** @file Pictures made small in the browser: nothing larger than a model looks at leaves it. */

const SIDE = 1024;
const THUMB = 160;
const LOSSLESS_BYTES = 700_000;
const THUMB_BYTES = 64_000;

/** The picture in a file, decoded. Throws an Error in plain words. */
async function opened(file) {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await image.decode();
    if (!image.naturalWidth) throw new Error("no size");
    return image;
  } catch {
    throw new Error(`${file.name || "This file"} cannot be read as a picture.`);
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

/** The picture on white, no side longer than `side`. */
function drawn(image, side) {
  const scale = Math.min(1, side / Math.max(image.naturalWidth, image.naturalHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
  canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "white";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** A `data:` URL: PNG where that is small, else JPEG. */
function encoded(canvas) {
  const lossless = canvas.toDataURL("image/png");
  return lossless.length <= LOSSLESS_BYTES ? lossless : canvas.toDataURL("image/jpeg", 0.92);
}

/** A `data:` URL of at most 64 kB. */
function thumbnail(image) {
  for (const side of [THUMB, THUMB / 2]) {
    const url = drawn(image, side).toDataURL("image/jpeg", 0.8);
    if (url.length * 0.75 < THUMB_BYTES) return url;
  }
  return null;
}

/** A file as it is sent: `{name, url, thumbnail}`. Throws an Error in plain words. */
export async function shrunk(file) {
  const image = await opened(file);
  return { name: file.name || "picture", url: encoded(drawn(image, SIDE)), thumbnail: thumbnail(image) };
}

/** Whether a URL is a picture that stands in the URL itself: nothing else is ever loaded. */
export const isInline = (url) => typeof url === "string" && /^data:image\/(png|jpeg|webp);base64,/.test(url);

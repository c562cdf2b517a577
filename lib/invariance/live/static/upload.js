"use strict";
// A reader's own picture as the object of an explorer. It stays in the page.
invarianceLive.add("upload", async (explorer, { files: [file] }, { make }) => {
  const SIZE = 32, PIXELS = SIZE * SIZE;

  // A file as an object: uint8 (4, 32, 32), the whole picture inside the square.
  async function read() {
    const bitmap = await createImageBitmap(file), side = Math.max(bitmap.width, bitmap.height) / SIZE;
    const canvas = make("canvas", { width: SIZE, height: SIZE }), context = canvas.getContext("2d");
    const [width, height] = [bitmap.width / side, bitmap.height / side];
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, (SIZE - width) / 2, (SIZE - height) / 2, width, height);
    const { data } = context.getImageData(0, 0, SIZE, SIZE), out = new Uint8Array(4 * PIXELS);
    for (let p = 0; p < PIXELS; p++) for (let c = 0; c < 4; c++) out[c * PIXELS + p] = data[4 * p + c];
    return out;
  }

  if (!file) return;
  try {
    explorer.own = await read();
    explorer.change(() => {}, true);
    explorer.say("Your picture is the object now. It stays in this page: nothing is sent anywhere.");
  } catch {
    explorer.say(`${file.name} is no picture that this browser can read. Try a PNG or JPEG file.`);
  }
});

"use strict";
// The explorer of chapter 6: exchange the object or the picture, and see which representations move.
invarianceLive.add("relevance", async (root, about, tools) => {
  const { script, once, graphs, network, make, paint, swatch, bar, words, apart, linked, link, pause } = tools;
  const find = (selector) => root.querySelector(selector), names = Object.keys(about.networks), PIXELS = 32 * 32;
  const [data, { paste }] = await Promise.all([once("corner", () => script("corner")), graphs("common")]);
  const pictures = new Uint8Array(await aten.unpack(data.pictures));
  const objects = new Float32Array(await aten.unpack(data.objects));
  const part = (numbers, k, channels) => numbers.subarray(k * channels * PIXELS, (k + 1) * channels * PIXELS);
  const imageOf = ({ picture, object }) => paste([aten.tensor(part(objects, object, 4), [1, 4, 32, 32]),
    aten.tensor(Float32Array.from(part(pictures, picture, 3), (value) => value / 255), [1, 3, 32, 32])])[0];

  const state = { ...about.start }, given = linked("relevance"), lists = { picture: about.pictures, object: about.objects };
  for (const name of Object.keys(lists)) {
    const place = lists[name].indexOf(given?.get(name));
    if (place >= 0) state[name] = place;
  }
  const canvases = [...root.querySelectorAll(".live-views img")].map((image) => {
    const canvas = make("canvas", { width: 32, height: 32, role: "img", "aria-label": image.alt });
    image.replaceWith(canvas);
    return canvas;
  });
  const first = imageOf({ picture: 0, object: 0 });
  paint(canvases[0], first.data, 3);
  let guessed = false, stale = false, busy = false;

  // The networks are loaded when a reader has guessed; each gives where the first image is, once.
  const ready = (name) => once(`seen/${name}`, async () => {
    const net = await network(name, "seen");
    return { ...net, before: net.run(first)[0] };
  });

  async function show() {
    stale = true;
    if (busy) return; // the newest state wins
    busy = true;
    try {
      await update();
    } catch ({ message }) {
      find(".live-status").textContent = `This did not work: ${message}. Check the connection, then choose again.`;
    }
    busy = false;
  }
  async function update() {
    while (stale) {
      stale = false;
      const image = imageOf(state);
      paint(canvases[1], image.data, 3);
      canvases[1].setAttribute("aria-label", `${words(lists.object[state.object])} on ${lists.picture[state.picture]}`);
      if (!guessed) break;
      root.found = [];
      for (const name of names) {
        const net = await ready(name);
        await pause(); // one run of a network in a slice
        root.found.push(apart(net.before, net.run(image)[0]) / net.between);
      }
      if (!stale) table();
    }
  }
  function table() {
    const cells = (texts, tag) => texts.map((text) => make(tag, {}, text));
    find(".live-parts").hidden = false;
    find("table").replaceChildren(
      make("thead", {}, make("tr", {}, ...cells(["network", "moves by", "mean: object", "mean: picture"], "th"))),
      make("tbody", {}, ...names.map((name, k) => {
        const moved = make("td", {}, root.found[k].toFixed(2), bar(root.found[k], k)), { object, picture } = about.measured[name];
        const means = cells([object.toFixed(2), picture.toFixed(2)], "td");
        return make("tr", {}, make("th", { scope: "row" }, swatch(k), about.networks[name]), moved, ...means);
      })));
    find(".live-status").textContent = names.map((name, k) => `${about.networks[name]}: ${root.found[k].toFixed(2)}`).join("; ");
  }
  function change(name, place) {
    state[name] = place;
    link("relevance", Object.fromEntries(Object.entries(lists).map(([key, list]) => [key, list[state[key]]])));
    return show();
  }
  for (const [name, list] of Object.entries(lists)) {
    const select = make("select", { onchange: () => change(name, Number(select.value)) });
    select.append(...list.map((text, value) => make("option", { value, selected: value === state[name] }, words(text))));
    find(".live-choices").append(make("label", { className: "live-choice" }, make("span", {}, `Second image: ${name}`), select));
  }
  for (const choice of root.querySelectorAll(".live-guess input"))
    choice.onchange = () => {
      guessed = true;
      find(".live-reply").textContent = about.replies[choice.value];
      return show();
    };
  const reset = make("button", { type: "button", onclick: () => {
    for (const [k, name] of Object.keys(lists).entries())
      root.querySelectorAll(".live-choices select")[k].value = state[name] = about.start[name];
    change("object", state.object);
  } }, "Reset");
  find(".live-reading").after(make("div", { className: "live-buttons" }, reset));
  find(".live-begin").remove();
  find(".live-status").textContent = "";
  root.dataset.live = "yes";
  return show();
});

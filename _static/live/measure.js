"use strict";
// A whole sensitivity, measured in the page over the library's pairs when the reader asks for it.
invarianceLive.add("measure", async (explorer, tools) => {
  const { graphs, network, pictures, picture, boxOf, whole, apart, chart, make, pause, words } = tools;
  const { about, state, root } = explorer, [name] = state.networks, kind = about.kinds[state.steps[0].name];
  const find = (part) => root.querySelector(`.live-measure ${part}`);
  const [button, progress, svg, table] = ["button", ".live-progress", "svg", "table"].map(find);
  const text = button.textContent;

  // Distances within and between pairs, one after another, in the order of the random pairs.
  async function* measured() {
    const [net, shown, steps, { paste, shrink }] = await Promise.all(
      [network(name), pictures(), graphs(kind.name), graphs("common")]);
    const count = shown.order.length, parts = new Set(kind.sliders.map((slider) => slider.parameter)).size;
    const image = (pair, key) => {
      const found = steps.draw([whole([key])]), given = found.slice(0, parts), on = found[parts];
      const object = shrink([picture(shown.objects, shown.labels[pair], 4)])[0];
      const moved = !on || on.data[0] ? steps.apply([object, boxOf(shown), ...given])[0] : object;
      return net.run(paste([moved, picture(shown.backgrounds, shown.scenes[pair], 3)])[0])[0];
    };
    let within = 0, between = 0, first = null, last = null;
    for (const [done, pair] of shown.order.entries()) {
      const x = image(pair, shown.first[pair]);
      within += apart(x, image(pair, shown.second[pair]));
      if (last) between += apart(x, last);
      [first, last] = [first ?? x, x];
      if (done === count - 1) between += apart(first, last);
      const pairs = done + 1, compared = done === count - 1 ? count : done;
      if (compared) yield { pairs, count, value: within / pairs / (between / compared) };
    }
  }

  function keep(value, level) {
    const cells = [words(kind.name), value.toFixed(2), level?.toFixed(2) ?? "–"].map((each) => make("td", {}, each));
    table.tBodies[0].append(make("tr", {}, make("th", { scope: "row" }, about.networks[name]), ...cells));
    table.hidden = false;
    explorer.say(`${about.networks[name]}: sensitivity to ${words(kind.name)} is ${value.toFixed(2)}.`);
  }

  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches, values = [];
  explorer.measuring = true;
  button.textContent = "Stop";
  try {
    const level = (await network(name)).measured[kind.name];
    for await (const { pairs, count, value } of measured()) {
      values.push([pairs, value]);
      progress.textContent = `Sensitivity to ${words(kind.name)}: ${value.toFixed(3)} after ${pairs} pairs.`;
      if (!calm || pairs === count) chart(svg, { low: 0, high: count, lines: [values], below: "pairs", level });
      await pause();
      if (!explorer.measuring) return;
      if (pairs === count) keep(value, level);
    }
  } finally {
    explorer.measuring = false;
    button.textContent = text;
  }
});

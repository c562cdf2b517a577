"use strict";
// The explorer of chapter 3: two pretrained networks, each with a new head, answer the same test images.
invarianceLive.add("transfer", async (root, about, tools) => {
  const { script, once, graphs, network, pictures, make, paint, chart, picture, boxOf, whole, pause, swatch } = tools;
  const find = (selector) => root.querySelector(selector), names = Object.keys(about.networks);
  const [task, shown, { paste, shrink }, steps, ...nets] = await Promise.all([
    once("task", () => script("task")), pictures(), graphs("common"), graphs(about.transformation),
    ...names.map((name) => network(name))]);
  const heads = await Promise.all(task.heads.map(async ([weight, bias]) =>
    ({ weight: new Float32Array(await aten.unpack(weight)), bias })));

  function imageOf(k) {
    const object = shrink([picture(shown.objects, task.labels[k], 4)])[0];
    const [moved] = steps.apply([object, boxOf(shown), ...steps.draw([whole([task.keys[k]])])]);
    return paste([moved, picture(shown.backgrounds, task.scenes[k], 3)])[0];
  }
  function answer(image, n) {
    const [{ data }] = nets[n].run(image), { weight, bias } = heads[n];
    const score = (start, c) => data.reduce((sum, value, k) => sum + value * weight[c * data.length + k], start);
    const scores = bias.map(score);
    return scores.indexOf(Math.max(...scores));
  }

  const canvas = make("canvas", { width: 32, height: 32, role: "img" }), button = find("button.live-main");
  const cell = (text, right) => make("td", {}, right === undefined ? text : `${text} ${right ? "✓" : "✗"}`);
  async function run() {
    const count = task.labels.length, right = names.map(() => 0), lines = names.map(() => []);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches, guess = find("input:checked").value;
    button.disabled = true;
    for (let k = 0; k < count; k++) {
      const image = imageOf(k), answers = names.map((_, n) => answer(image, n));
      const good = answers.map((given) => given === task.labels[k]);
      good.forEach((is, n) => lines[n].push([k + 1, (right[n] += is) / (k + 1)]));
      root.answers = [...(k ? root.answers : []), answers]; // there, tests find them
      if (!calm || k === count - 1) {
        paint(canvas, image.data, 3);
        canvas.setAttribute("aria-label", `test image ${k + 1}: ${about.classes[task.labels[k]]}`);
        find("tbody").replaceChildren(...names.map((name, n) => make("tr", {},
          make("th", { scope: "row" }, swatch(n), about.networks[name]),
          cell(about.classes[answers[n]].replaceAll("_", " "), good[n]), cell(`${right[n]} of ${k + 1}`))));
        chart(find(".live-curve svg"), { low: 0, high: count, lines, below: "test images" });
      }
      if (k < 6 && !calm) await new Promise((done) => setTimeout(done, 700)); // the first ones can be looked at
      else await pause();
    }
    const shares = right.map((n) => n / count), best = shares[0] > shares[1] ? 0 : 1;
    const winner = Math.abs(shares[0] - shares[1]) < about.close ? "" : names[best];
    const said = names.map((name, n) => `${about.networks[name]}: right on ${right[n]} of ${count}`).join("; ");
    const verdict = winner === guess ? "You guessed right." : `It was ${about.guesses[winner]}.`;
    find(".live-status").textContent = `${said}. ${verdict}`;
    button.disabled = false;
  }

  find(".live-views img").replaceWith(canvas);
  paint(canvas, imageOf(0).data, 3);
  canvas.setAttribute("aria-label", "a test image");
  for (const radio of root.querySelectorAll("input[type=radio]")) radio.onchange = () => (button.disabled = false);
  button.onclick = () => run();
  find(".live-begin").remove();
  find(".live-status").textContent = "";
  root.dataset.live = "yes";
});

"use strict";
// The explorer of chapter 8: so many of eight transformations in pretraining and in the target, and what that gives.
invarianceLive.add("nested", async (root, about, { make, chart, words, linked, link }) => {
  const find = (selector) => root.querySelector(selector), known = Object.keys(about.architectures);
  const most = about.architectures[known[0]].mean.length, seeds = Object.keys(about.orders);
  const first = { architecture: known[0], seed: "", pretraining: 1, target: Math.min(4, most) };
  const state = { ...first }, given = linked("nested");
  if (given) {
    for (const [name, list] of [["architecture", known], ["seed", ["", ...seeds]]])
      if (list.includes(given.get(name))) state[name] = given.get(name);
    for (const name of ["pretraining", "target"])
      if (Number(given.get(name)) >= 1 && Number(given.get(name)) <= most) state[name] = Math.round(given.get(name));
  }

  function choice(name, text, options) {
    const select = make("select", { onchange: () => change(name, select.value) });
    select.append(...options.map(([value, shown]) => make("option", { value }, shown)));
    return make("label", { className: "live-choice", hidden: options.length < 2 }, make("span", {}, text), select);
  }
  function count(name, text) {
    const input = make("input", { type: "range", min: 1, max: most, step: 1, "aria-label": text });
    input.oninput = () => change(name, Number(input.value));
    return make("div", { className: "live-slider" }, make("span", { className: "live-label" }, text), input, make("output"));
  }
  find(".live-choices").append(
    choice("architecture", "Architecture", known.map((name) => [name, about.architectures[name].label])),
    choice("seed", "Seed", [["", "mean over all"], ...seeds.map((seed) => [seed, seed])]));
  find(".live-counts").append(count("pretraining", "In pretraining"), count("target", "In the target"));

  const fixed = (value) => (value === undefined || value === null ? "–" : value.toFixed(3).replace("-", "−"));
  function show() {
    const { architecture, seed, pretraining, target } = state, one = about.architectures[architecture];
    const rows = seed === "" ? one.mean : one.seeds[seed], matching = rows[target - 1][target - 1];
    const reached = rows[pretraining - 1][target - 1], paper = one.paper[pretraining - 1]?.[target - 1];
    const order = about.orders[seed] ?? Array.from({ length: most }, (_, k) => `the seed's no. ${k + 1}`);
    const [choices, sliders] = [".live-choices select", ".live-counts input"].map((part) => root.querySelectorAll(part));
    [choices[0].value, choices[1].value, sliders[0].value, sliders[1].value] = [architecture, seed, pretraining, target];
    root.querySelectorAll(".live-counts output").forEach((output, k) => (output.value = `${[pretraining, target][k]} of ${most}`));
    find(".live-order").replaceChildren(...order.slice(0, most).map((name, k) => {
      const [before, now] = [k < pretraining, k < target];
      const role = before && now ? "in both" : before ? "too many" : now ? "missing" : "in neither";
      return make("li", { className: `live-${role.replace(" ", "-")}` }, make("b", {}, words(name)), ` ${role}`);
    }));
    const apart = Math.abs(target - pretraining), which = pretraining < target ? "missing" : "too many";
    const said = apart ? `${apart} ${which}: accuracy ${fixed(reached)}, ${fixed(reached - matching)} against the matching model's ` +
      fixed(matching) : `The matching model: accuracy ${fixed(reached)}`;
    find(".live-status").textContent = `${said}. ${one.papers} in the paper: ${fixed(paper)}.`;
    const line = (of) => of.map((row, k) => [k + 1, row[target - 1]]).filter(([, value]) => value !== null);
    const lines = [one.paper.length ? line(one.paper.slice(0, most)) : [], line(rows)];
    chart(find("svg"), { low: 1, high: most, lines, below: "transformations in pretraining", mark: pretraining });
    find("svg").setAttribute("aria-label", `Accuracy on the target with ${target}: ${line(rows).map(([, v]) => fixed(v)).join(", ")}`);
  }
  function change(name, value) {
    state[name] = value;
    show();
    link("nested", state);
  }
  find(".live-begin").remove();
  find(".live-seen").append(find(".live-status")); // beside the curve
  root.dataset.live = "yes";
  const reset = make("button", { type: "button", onclick: () => { Object.assign(state, first); change("seed", first.seed); } }, "Reset");
  find(".live-counts").after(make("div", { className: "live-buttons" }, reset));
  show();
});

"use strict";
// Charts of results: Vega-Lite draws them, from rows that stand in the page as columns.
invarianceLive.add("charts", async (root, about, { script, once, make, linked, link }) => {
  const find = (selector) => root.querySelector(selector), names = Object.keys(about.choices);
  const chosen = (name) => `chosen_${name}`, id = root.id.slice(5);
  const columns = Object.entries(about.columns).map(([name, values]) =>
    [name, values.of ? values.at.map((place) => values.of[place]) : values]);
  const rows = columns[0][1].map((_, k) => Object.fromEntries(columns.map(([name, values]) => [name, values[k]])));

  // What a link asks for.
  function follow() {
    const given = linked(id);
    for (const param of about.spec.params ?? []) {
      const value = given?.get(param.name.replace("chosen_", ""));
      if (param.bind?.options?.includes(value)) param.value = value;
    }
  }
  const hidden = ["low", "high", "value", "paper", ...names];
  const text = (value) => (typeof value === "string" ? value.replace(/^\d+\|/, "").replaceAll("\n", " ") : value ?? "–");
  function table(view) {
    const shown = rows.filter((row) => names.every((name) => row[name] === view.signal(chosen(name))));
    const keys = columns.map(([name]) => name).filter((name) => name === "value" ? !rows[0].shown : !hidden.includes(name));
    const titles = { shown: "this run", papers: "the paper" };
    const line = (cells, tag) => make("tr", {}, ...cells.map((cell) => make(tag, {}, `${text(cell)}`)));
    find(".live-values-shown table").replaceChildren(
      make("thead", {}, line(keys.map((key) => titles[key] ?? key.replaceAll("_", " ")), "th")),
      make("tbody", {}, ...shown.map((row) => line(keys.map((key) => row[key]), "td"))));
  }
  async function show() {
    const first = (about.spec.params ?? []).map(({ name, value }) => [name, value]);
    follow();
    await once("vega", () => script("vega"));
    find(".live-drawn-chart").hidden = false;
    const spec = { ...about.spec, data: { values: rows } };
    spec.config.legend.columns = root.clientWidth < 480 ? 1 : 2; // as many as have room
    const options = { actions: false, renderer: "svg", bind: find(".live-choices"), tooltip: { theme: "page" }, logLevel: 1 };
    const { view } = await vegaEmbed(find(".live-chart"), spec, options);
    root.view = view; // there, tests find it
    for (const name of names)
      view.addSignalListener(chosen(name), () => {
        link(id, Object.fromEntries(names.map((each) => [each, view.signal(chosen(each))])));
        table(view);
      });
    const reset = make("button", { type: "button", onclick: () => {
      for (const [name, value] of first) if (names.some((each) => chosen(each) === name)) view.signal(name, value);
      view.run();
    } }, "Reset");
    const selects = [...root.querySelectorAll(".live-choices select")];
    for (const select of selects) select.closest(".vega-bind").hidden = select.options.length < 2;
    if (selects.some((select) => select.options.length > 1)) find(".live-choices").append(reset);
    table(view);
  }

  root.querySelector(".live-begin").remove();
  find(".live-status").textContent = "";
  root.dataset.live = "yes";
  if (!about.guess) return show();
  find(".live-drawn-chart").hidden = true;
  let begun = null;
  const guesses = Object.entries(about.guess.replies).map(([answer, reply]) => {
    const choice = make("input", { type: "radio", name: `live-guess-${id}`, value: answer });
    choice.onchange = () => {
      find(".live-reply").textContent = reply;
      begun ??= show().catch(({ message }) => {
        begun = null;
        find(".live-status").textContent = `This did not work: ${message}. Check the connection, then choose again.`;
      });
    };
    return make("label", {}, choice, ` ${answer}`);
  });
  find(".live-guess legend").textContent = about.guess.question;
  find(".live-guess").append(...guesses);
  return null;
});

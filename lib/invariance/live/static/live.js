"use strict";
// The explorers of a page: state -> graphs of the library's own functions -> pictures, distances, curves.
// What can be chosen and moved stands in the page as JSON (`invariance.live.description`); `aten.js` runs the graphs.
const invarianceLive = (() => {
  const SIZE = 32, PIXELS = SIZE * SIZE;
  const COLOURS = ["#e0801a", "#2a8fd0", "#1fa37a", "#c065a8"], DASHES = ["6 3", "", "2 3", "8 3 2 3"];

  // -- files: one script each, loaded when it is first needed
  const arrived = new Map();
  let base = "";
  const add = (name, data) => arrived.set(name, data);
  const script = (name) => new Promise((done, failed) => {
    const onload = () => done(arrived.get(name)), onerror = () => failed(new Error(`${name}.js did not load`));
    document.head.append(make("script", { src: `${base}${name}.js`, onload, onerror }));
  });

  const kept = new Map();
  function once(name, compute) {
    if (!kept.has(name)) kept.set(name, compute().catch((error) => { kept.delete(name); throw error; }));
    return kept.get(name);
  }
  const graphs = (name) => once(`graphs/${name}`, async () => aten.load(await script(`graphs/${name}`)));
  const pictures = () => once("pictures", async () => {
    const data = await script("pictures");
    const [objects, backgrounds] = await Promise.all([aten.unpack(data.objects), aten.unpack(data.backgrounds)]);
    return { ...data, objects: new Uint8Array(objects), backgrounds: new Uint8Array(backgrounds) };
  });
  const network = (name, graph = "network") => once(`networks/${name}`, async () => {
    const [data, { [graph]: run }] = await Promise.all([script(`networks/${name}`), graphs(graph)]);
    const numbers = aten.halves(await aten.unpack(data.weights));
    let at = 0;
    const weights = data.shapes.map((shape) => aten.tensor(numbers.subarray(at, (at += aten.count(shape))), shape));
    return { ...data, run: (image) => run([image], weights) };
  });

  // -- small helpers
  function make(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name in element && name !== "list") element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  }
  function draw(tag, attributes, text) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text !== undefined) element.textContent = text;
    return element;
  }
  const words = (name) => name.replaceAll("_", " ");
  // Lets the browser answer its reader and draw; a timeout would wait 4 ms longer each time.
  const { port1, port2 } = new MessageChannel(), waiting = [];
  port1.onmessage = () => waiting.shift()();
  const pause = () => new Promise((done) => { waiting.push(done); port2.postMessage(0); });
  const limited = (value, { low, high, whole }) => {
    const inside = Math.min(high, Math.max(low, value));
    return whole ? Math.round(inside) : inside;
  };
  // The shortest text of a float32.
  function short(value) {
    for (let digits = 1; digits < 9; digits++) {
      const text = Number(value.toPrecision(digits));
      if (Math.fround(text) === Math.fround(value)) return text;
    }
    return value;
  }
  const floats = (bytes, shape) => aten.tensor(Float32Array.from(bytes, (v) => v / 255), shape);
  const whole = (values) => aten.tensor(BigInt64Array.from(values, BigInt), [values.length], "i64");
  const apart = (a, b) => Math.sqrt(a.data.reduce((sum, v, k) => sum + (v - b.data[k]) ** 2, 0));

  // -- computing what a state shows
  const picture = (bytes, k, channels) =>
    floats(bytes.subarray(k * channels * PIXELS, (k + 1) * channels * PIXELS), [1, channels, SIZE, SIZE]);
  const boxOf = ({ box }) => aten.tensor(BigInt64Array.from(box, BigInt), [1, 4], "i64");

  async function objectOf(about, state, own) {
    const { objects } = await pictures(), { shrink } = await graphs("common");
    const number = own ? 0 : about.objects.indexOf(state.object);
    return shrink([picture(own ?? objects, number, 4)])[0];
  }

  async function parameters(kind, values) {
    const given = new Map();
    for (const [place, slider] of kind.sliders.entries()) {
      if (!given.has(slider.parameter)) given.set(slider.parameter, { slider, values: [] });
      given.get(slider.parameter).values.push(values[place]);
    }
    const { key } = await graphs("common");
    return [...given.values()].map(({ slider, values: parts }) => {
      if (slider.field) return key([whole(parts)])[0];
      const numbers = slider.whole ? whole(parts) : aten.tensor(Float32Array.from(parts), [parts.length]);
      return parts.length > 1 ? { ...numbers, shape: [1, parts.length] } : numbers;
    });
  }

  // The object after all steps that act.
  async function transformed(about, steps, object) {
    let moved = object, box = boxOf(await pictures());
    for (const step of steps.filter((each) => each.on)) {
      const { apply } = await graphs(step.name), given = await parameters(about.kinds[step.name], step.values);
      [moved, box] = apply([moved, box, ...given]);
    }
    return moved;
  }

  async function pasted(about, state, object) {
    const { backgrounds } = await pictures(), { paste } = await graphs("common");
    return paste([object, picture(backgrounds, Object.keys(about.backgrounds).indexOf(state.background), 3)])[0];
  }

  // What the experiments draw for one image; a random field is numbered like the draw.
  async function drawn(about, name, number) {
    const [{ draw: run }, { key }] = await Promise.all([graphs(name), graphs("common")]);
    const found = run([key([whole([number])])[0]]), { sliders, probability } = about.kinds[name];
    const names = [...new Set(sliders.map((slider) => slider.parameter))];
    const values = sliders.map((slider) => {
      if (slider.field) return number % (slider.high + 1);
      return short(Number(found[names.indexOf(slider.parameter)].data[slider.part]));
    });
    return { name, values, on: probability === 1 || Boolean(found.at(-1).data[0]) };
  }

  // -- one explorer
  async function start(root, folder) {
    base = folder;
    const about = JSON.parse(root.querySelector("script.live-description").textContent), { script: own } = about;
    if (own) return (await once(own, () => script(own)))(root, about, tools);
    root.explorer = new Explorer(root, about); // there, tests find it
    return root.explorer.begin();
  }

  class Explorer {
    constructor(root, about) {
      Object.assign(this, { root, about, own: null, touched: [0, 0] });
      const own = Object.entries(about.graphs); // of a reader's own transformations
      for (const [name, data] of own) once(`graphs/${name}`, () => aten.load(data));
      this.has = (part) => about.shows.includes(part);
      this.state = this.read(location.hash) ?? structuredClone(about.start);
    }

    // The finished pictures stand in the page already; from now on they follow the state.
    async begin() {
      const needed = this.state.steps.map((step) => graphs(step.name)), { root } = this;
      await Promise.all([pictures(), graphs("common"), ...needed]); // the first picture waits for no network
      this.status = root.querySelector(".live-status");
      [this.plot, this.map] = [".live-curve svg", ".live-map svg"].map((part) => root.querySelector(part));
      this.canvases = [...root.querySelectorAll(".live-views img")].map((image) => {
        const canvas = make("canvas", { width: SIZE, height: SIZE, role: "img", "aria-label": image.alt });
        image.replaceWith(canvas);
        return canvas;
      });
      for (const select of root.querySelectorAll("select"))
        select.onchange = () => this.change(() => this.choose(select.dataset, select.value), true);
      const upload = root.querySelector("input[type=file]");
      if (upload) upload.onchange = () => this.upload(upload);
      for (const button of root.querySelectorAll("[data-act]")) button.onclick = () => this[button.dataset.act]();
      if (this.plot) this.plot.onpointerdown = this.plot.onpointermove = (event) => this.drag(event);
      this.controls();
      await this.pictures();
      root.querySelector(".live-begin").remove();
      root.dataset.live = "yes";
      this.say("");
      addEventListener("hashchange", () => {
        const linked = this.read(location.hash);
        if (linked) this.change(() => (this.state = linked), true);
      });
      if (this.has("distances")) this.update();
    }

    // -- state in the address
    read(hash) {
      const given = new URLSearchParams(hash.slice(1)), { about } = this;
      if (given.get("live") !== about.name) return null;
      const state = structuredClone(about.start), known = (list, name, other) => (list.includes(name) ? name : other);
      state.object = known(about.objects, given.get("object"), state.object);
      state.background = known(Object.keys(about.backgrounds), given.get("background"), state.background);
      if (!about.fixed) {
        const names = (given.get("networks") ?? "").split(",");
        state.networks = state.networks.map((name, k) => known(Object.keys(about.networks), names[k], name));
      }
      if (!given.has("steps")) return state;
      const steps = given.get("steps").split(";").slice(0, about.steps).flatMap((text) => {
        const [name, given = "", off] = text.split(":"), kind = about.kinds[name], numbers = given.split(",");
        if (!kind) return [];
        const read = (slider, k) => (numbers[k] && isFinite(numbers[k]) ? Number(numbers[k]) : slider.start);
        const values = kind.sliders.map((slider, k) => limited(read(slider, k), slider));
        return [{ name, values, on: off !== "off" }];
      });
      return { ...state, steps: steps.length || about.steps > 1 ? steps : state.steps };
    }

    link() {
      const steps = this.state.steps.map((s) => [s.name, s.values.join(","), ...(s.on ? [] : ["off"])].join(":"));
      const { object, background, networks } = this.state, url = new URL(location.href);
      const parts = { live: this.about.name, object, background, steps: steps.join(";"), networks: networks.join(",") };
      url.hash = Object.entries(parts).filter(([, text]) => text).map((pair) => pair.join("=")).join("&");
      return url.href;
    }

    // -- controls
    // Choices, sliders and their values as the state has them; the element in focus stays in focus.
    controls() {
      const { state, root } = this, focus = document.activeElement?.dataset?.name;
      for (const select of root.querySelectorAll(".live-choices select")) {
        const { of } = select.dataset, value = of === "network" ? state.networks[0] : state[of];
        select.value = of === "object" && this.own ? "" : value;
      }
      root.querySelectorAll(".live-steps li").forEach((item, at) => {
        const step = state.steps[at], select = item.querySelector("select");
        item.hidden = at > state.steps.length;
        if (select) select.value = step?.name ?? "";
        item.querySelector(".live-values").replaceChildren(...(step ? this.values(step, at) : []));
      });
      if (focus) root.querySelector(`[data-name="${focus}"]`)?.focus();
    }

    choose({ of, at }, name) {
      const { state, about } = this, kind = about.kinds[name];
      if (of === "network") state.networks[0] = name;
      else if (of !== "step") state[of] = name || state[of];
      else {
        const step = kind && { name, values: kind.sliders.map((slider) => slider.start), on: true };
        state.steps.splice(Number(at), 1, ...(step ? [step] : []));
        this.touched = [Math.max(0, Math.min(Number(at), state.steps.length - 1)), 0];
      }
      if (of === "object" && name) this.own = null;
    }

    values(step, at) {
      const kind = this.about.kinds[step.name], parts = [];
      if (!this.about.fixed) parts.push(make("p", { className: "live-about" }, kind.about));
      if (kind.probability < 1) {
        const box = make("input", { type: "checkbox", checked: step.on });
        box.dataset.name = `applied ${at}`;
        box.onchange = () => this.change(() => (step.on = box.checked));
        parts.push(make("label", { className: "live-acts" }, box, " applied"));
      }
      return [...parts, ...kind.sliders.map((slider, place) => this.slider(step, at, slider, place))];
    }

    slider(step, at, slider, place) {
      const label = `${words(step.name)}: ${slider.label}${slider.unit ? `, ${slider.unit}` : ""}`;
      const limits = { min: slider.low, max: slider.high };
      const range = make("input", { type: "range", ...limits, step: slider.step, "aria-label": label });
      const field = make("input", { type: "number", ...limits, step: "any", "aria-label": `${label}, as a number` });
      const strip = this.strip(slider);
      const show = () => {
        [range.value, field.value] = [step.values[place], short(step.values[place])];
        range.setAttribute("aria-valuetext", `${short(step.values[place])} ${slider.unit}`.trim());
        strip.mark(step.values[place]);
      };
      const set = (value) => {
        step.values[place] = limited(value, slider);
        this.touched = [at, place];
        this.change(show);
      };
      range.oninput = () => set(Number(range.value));
      field.onchange = () => {
        if (field.value === "" || !isFinite(field.value)) return show();
        if (Number(field.value) !== limited(Number(field.value), slider))
          this.say(`${slider.label} goes from ${slider.low} to ${slider.high}.`);
        return set(Number(field.value));
      };
      [range.dataset.name, field.dataset.name] = [`range ${at} ${place}`, `number ${at} ${place}`];
      show();
      const text = make("span", { className: "live-label" }, slider.label + (slider.unit ? ` (${slider.unit})` : ""));
      const track = make("div", { className: "live-track" }, range, strip);
      return make("div", { className: "live-slider" }, text, track, field);
    }

    // How often the experiments draw which value, and where this one is.
    strip({ low, high, bins }) {
      const look = { viewBox: "0 0 240 12", preserveAspectRatio: "none", "aria-hidden": "true" };
      const svg = draw("svg", { class: "live-strip", ...look });
      const most = Math.max(...bins), width = 240 / bins.length;
      svg.append(...bins.map((n, k) =>
        draw("rect", { x: k * width + 0.5, y: 12 - (12 * n) / most, width: width - 1, height: (12 * n) / most })));
      const line = draw("line", { y1: 0, y2: 12 });
      svg.append(draw("title", {}, "how often the experiments draw which value"), line);
      svg.mark = (value) => ["x1", "x2"].forEach((end) => line.setAttribute(end, (240 * (value - low)) / (high - low)));
      return svg;
    }

    upload = (input) =>
      once("upload", () => script("upload")).then((take) => take(this, input, tools)).catch(this.fail);

    reset() {
      const first = { own: null, state: structuredClone(this.about.start), touched: [0, 0] };
      this.change(() => Object.assign(this, first), true);
    }

    async drawAll(number = Math.floor(Math.random() * 1e6)) {
      const steps = await Promise.all(this.state.steps.map((step) => drawn(this.about, step.name, number)));
      this.change(() => (this.state.steps = steps), true);
      this.say(`Drawn as the experiments draw it: number ${number}.`);
    }

    copyLink() { this.copy(this.link(), `The link is copied.${this.own ? " Your own picture is not part of it." : ""}`); }
    copyCode() { this.copy(this.root.querySelector(".live-code code").textContent, "The code is copied."); }

    async copy(text, done) {
      try {
        await navigator.clipboard.writeText(text);
        this.say(done);
      } catch {
        this.say("This browser does not let a page copy: mark the text and copy it.");
      }
    }

    say = (text) => (this.status.textContent = text);
    fail = ({ message }) => this.say(`This did not work: ${message}. Check the connection, then try again.`);

    // -- the newest state wins: pictures and distances of each, the curve of the last
    change(act, rebuild = false) {
      act();
      this.moved = true;
      if (rebuild) this.controls();
      return this.update();
    }

    async update() {
      this.stale = true;
      if (this.busy) return;
      this.busy = true;
      try {
        while (this.stale) {
          this.stale = false;
          const { about } = this;
          await this.pictures();
          await pause();
          if (this.has("distances")) {
            await this.distances();
            const text = ({ name, distance }) => `${about.networks[name]}: distance ${distance.toFixed(2)}`;
            this.say(this.found.map(text).join("; "));
          }
          await pause();
          if (!this.stale && this.has("curve")) await this.curve();
          if (!this.stale && this.moved) readdress(this.link());
        }
      } catch (error) {
        this.fail(error);
      } finally {
        this.busy = false;
      }
    }

    async pictures() {
      const { about, state, own } = this, { object, before } = await this.untransformed();
      const moved = await transformed(about, state.steps, object);
      this.image = await pasted(about, state, moved);
      const opaque = { ...moved, data: moved.data.slice(3 * PIXELS) };
      const shown = this.has("mask") ? [[moved, 4], [opaque, 1], [this.image, 3]] : [[before, 3], [this.image, 3]];
      shown.forEach(([{ data }, channels], k) => paint(this.canvases[k], data, channels));
      const acting = state.steps.filter((step) => step.on), what = words(own ? "your picture" : state.object);
      const said = [what, ...acting.map(({ name, values }) => `${words(name)} ${values.map(short)}`)];
      this.canvases.at(-1).setAttribute("aria-label", said.join(", "));
      if (this.has("code")) this.showCode();
    }

    async distances() {
      const { state, about } = this;
      [this.found, this.ends] = [[], []];
      for (const name of state.networks) {
        const net = await network(name), before = await this.features(name);
        await pause(); // one run of a network in a slice
        const [after, answers] = net.run(this.image);
        await pause();
        this.ends.push([before, after].map((features) => placed(net.map, features)));
        const answer = about.objects[answers.data.indexOf(Math.max(...answers.data))];
        this.found.push({ name, distance: apart(before, after) / net.between, answer });
      }
      const rows = this.root.querySelector(".live-seen tbody");
      rows.replaceChildren(...this.found.map(({ name, distance, answer }, k) => make("tr", {},
        make("th", { scope: "row" }, swatch(k), about.networks[name]),
        make("td", {}, make("span", { className: "live-number" }, distance.toFixed(2)), bar(distance, k)),
        make("td", {}, words(answer)))));
    }

    // The object, its image as it is, and the networks' representations of that, which most moves leave as they were.
    async untransformed() {
      const { about, own } = this, state = { ...this.state }, of = [state.object, state.background, own];
      if (this.zero?.of.every((part, k) => part === of[k])) return this.zero;
      const object = await objectOf(about, state, own), before = await pasted(about, state, object);
      return (this.zero = { of, object, before, features: new Map() });
    }

    async features(name) {
      const net = await network(name), { before, features } = await this.untransformed();
      if (!features.has(name)) features.set(name, net.run(before)[0]);
      return features.get(name);
    }

    drag(event) {
      if (!this.axis || (event.type === "pointermove" && !event.buttons)) return;
      const { left, width } = this.plot.getBoundingClientRect(), { slider, step, place } = this.axis;
      const share = Math.min(1, Math.max(0, (((event.clientX - left) / width) * 360 - 34) / 316));
      step.values[place] = limited(slider.low + share * (slider.high - slider.low), slider);
      this.change(() => {}, true);
    }

    // The distance over the whole range of the slider that was touched last.
    async curve() {
      const { about, state } = this, at = Math.min(this.touched[0], state.steps.length - 1), step = state.steps[at];
      const slider = step && about.kinds[step.name].sliders[this.touched[1]];
      this.axis = slider && { slider, step, place: this.touched[1] };
      if (!slider || !step.on) return [this.plot, this.map].forEach((svg) => svg?.replaceChildren());
      const others = state.steps.map((each) => (each === step ? [each.name, this.touched[1]] : each));
      const rest = step.values.map((value, place) => (place === this.touched[1] ? null : value));
      const { object, background, networks } = state, own = this.own && [...this.own];
      const name = JSON.stringify([others, rest, object, background, networks, own]);
      if (name !== this.curveOf) {
        const lines = await this.sweep(at, step, slider);
        if (!lines) return null;
        [this.lines, this.trail, this.curveOf] = [lines, this.passed, name];
      }
      this.drawCurve(slider, step);
      if (this.map) this.drawMap((await network(state.networks[0])).map.points);
      return null;
    }

    async sweep(at, step, slider) {
      const { about, state } = this, { object } = await this.untransformed();
      const lines = state.networks.map(() => []);
      this.passed = [];
      const nets = await Promise.all(state.networks.map((name) => network(name)));
      const zero = await Promise.all(state.networks.map((name) => this.features(name)));
      for (const value of slider.points) {
        const values = step.values.map((own, place) => (place === this.touched[1] ? value : own));
        const steps = state.steps.map((each, k) => (k === at ? { ...step, values } : each));
        const image = await pasted(about, state, await transformed(about, steps, object));
        for (const [k, net] of nets.entries()) {
          const [features] = net.run(image);
          lines[k].push([value, apart(zero[k], features) / net.between]);
          if (k === 0) this.passed.push(placed(net.map, features));
          await pause();
          if (this.stale) return null;
        }
      }
      return lines;
    }

    drawCurve(slider, step) {
      const below = `${words(step.name)}: ${slider.label}${slider.unit ? `, ${slider.unit}` : ""}`;
      const said = this.lines.map((line, k) => `${this.about.networks[this.state.networks[k]]} up to ` +
        Math.max(...line.map((point) => point[1])).toFixed(2));
      this.plot.setAttribute("aria-label", `Distance over ${below}. ${said.join("; ")}.`);
      chart(this.plot, { ...slider, lines: this.lines, below, mark: step.values[this.touched[1]] });
    }

    // Where the image is among others, by the two directions in which the first network's representations differ most.
    drawMap(others) {
      const [before, after] = this.ends[0], dot = ([x, y], look) => draw("circle", { cx: x, cy: y, ...look });
      this.map.replaceChildren(
        ...others.map((place) => dot(place, { class: "live-other", r: 1.8 })),
        draw("polyline", { class: "live-trail", points: this.trail.join(" "), stroke: COLOURS[0] }),
        dot(before, { class: "live-before", r: 5, stroke: COLOURS[0] }), dot(after, { r: 5, fill: COLOURS[0] }));
    }

    async measure() {
      if (this.measuring) return void (this.measuring = false);
      try {
        await (await once("measure", () => script("measure")))(this, tools);
      } catch (error) {
        this.fail(error);
      }
    }

    // -- the code that makes the image
    showCode() {
      const { about, state } = this, acting = state.steps.filter((step) => step.on);
      const text = (slider, value) => (slider.whole || !Number.isInteger(value) ? `${value}` : `${value}.0`);
      const given = acting.map(({ name, values }) =>
        about.kinds[name].code.replace(/\$(\d)/g, (_, k) => text(about.kinds[name].sliders[k], values[k])));
      const filled = { object: state.object, scene: about.backgrounds[state.background],
        names: acting.map((step) => `"${step.name}"`).join(", "), parameters: given.join(", ") };
      const lines = about.code.replace(/\$(\w+)/g, (_, name) => filled[name]);
      const note = this.own ? "# With the library's object in the place of your own picture.\n" : "";
      this.root.querySelector(".live-code code").textContent = note + lines;
    }
  }

  // A representation as a place in the map of 200 x 200.
  const placed = ({ axes, centre }, { data }) => axes.map((axis, k) =>
    +(100 + (k ? -1 : 1) * axis.reduce((sum, value, i) => sum + value * (data[i] - centre[i]), 0)).toFixed(1));

  // Lines over the range from `low` to `high`, up to 1.25; `mark` is a place along it, `level` one up.
  function chart(svg, { low, high, lines, below, mark, level }) {
    const x = (value) => 34 + (316 * (value - low)) / (high - low), y = (up) => 158 - (146 * Math.min(up, 1.25)) / 1.25;
    const text = (left, down, anchor, words) => draw("text", { x: left, y: down, "text-anchor": anchor }, words);
    const line = (name, x1, x2, y1, y2) => draw("line", { class: name, x1, x2, y1, y2 });
    svg.replaceChildren(
      ...[0, 0.5, 1].flatMap((up) => [line("live-grid", 34, 350, y(up), y(up)), text(28, y(up) + 4, "end", up)]),
      text(34, 173, "start", low), text(350, 173, "end", high), text(192, 186, "middle", below),
      ...(level === undefined ? [] : [line("live-library", 34, 350, y(level), y(level))]),
      ...lines.map((points, k) => draw("polyline", {
        points: points.map(([at, up]) => `${x(at).toFixed(1)},${y(up).toFixed(1)}`).join(" "),
        fill: "none", stroke: COLOURS[k], "stroke-width": 2.5, "stroke-dasharray": DASHES[k] })),
      ...(mark === undefined ? [] : [line("live-mark", x(mark), x(mark), 8, 158)]));
  }

  function paint(canvas, data, channels) {
    const context = canvas.getContext("2d"), made = context.createImageData(SIZE, SIZE);
    for (let p = 0; p < PIXELS; p++)
      for (let c = 0; c < 4; c++) {
        const value = channels === 1 && c < 3 ? data[p] : c < channels ? data[c * PIXELS + p] : 1;
        made.data[4 * p + c] = Math.round(value * 255);
      }
    context.putImageData(made, 0, 0);
  }

  function swatch(k) {
    const svg = draw("svg", { class: "live-swatch", viewBox: "0 0 24 8", "aria-hidden": "true" });
    const look = { stroke: COLOURS[k], "stroke-width": 3, "stroke-dasharray": DASHES[k] };
    svg.append(draw("line", { x1: 0, x2: 24, y1: 4, y2: 4, ...look }));
    return svg;
  }
  const bar = (distance, k) => make("span", { className: "live-bar", "aria-hidden": "true",
    style: `--share: ${Math.min(1, distance / 1.25)}; --colour: ${COLOURS[k]}` });

  // The state in the address: of an explorer by its name, or null.
  function linked(name) {
    const given = new URLSearchParams(location.hash.slice(1));
    return given.get("live") === name ? given : null;
  }
  const link = (live, state) => readdress(`#${new URLSearchParams({ live, ...state })}`);

  // The address follows the newest state, in steps of 0.4 s: WebKit refuses the 101st change within 30 seconds.
  let wanted = null, resting = false;
  function readdress(url) {
    wanted = url;
    if (resting) return;
    history.replaceState(null, "", url);
    [wanted, resting] = [null, true];
    setTimeout(() => { resting = false; if (wanted) readdress(wanted); }, 400);
  }

  // What scripts of their own, for the parts that few readers need, are given.
  const tools = { script, once, graphs, network, pictures, make, paint, chart, picture, boxOf, whole, pause, swatch };
  Object.assign(tools, { apart, words, bar, linked, link });
  return { add, start };
})();

"use strict";
// The explorers of a page: state -> graphs of the library's own functions -> pictures, distances, curves.
// What can be chosen and moved stands in the page as JSON (`invariance.live.description`); `aten.js` runs the graphs.
const invarianceLive = (() => {
  const SIZE = 32, PIXELS = SIZE * SIZE, SAMPLES = 37;
  const COLOURS = ["#e0801a", "#2a8fd0", "#1fa37a"], DASHES = ["6 3", "", "2 3"];

  // -- files: one script each, loaded when it is first needed -------------------------------------------------

  const files = new Map(), arrived = new Map();
  let base = "";
  const add = (name, data) => arrived.set(name, data);

  function script(name) {
    if (!files.has(name)) {
      files.set(name, new Promise((done, failed) => {
        const onerror = () => {
          files.delete(name); // so that the next try loads it again
          failed(new Error(`${name}.js did not load`));
        };
        document.head.append(make("script", { src: `${base}${name}.js`, onload: () => done(arrived.get(name)), onerror }));
      }));
    }
    return files.get(name);
  }

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
  const network = (name) => once(`networks/${name}`, async () => {
    const [data, { network: run }] = await Promise.all([script(`networks/${name}`), graphs("network")]);
    const numbers = aten.halves(await aten.unpack(data.weights));
    let at = 0;
    const weights = data.shapes.map((shape) => aten.tensor(numbers.subarray(at, (at += aten.count(shape))), shape));
    return { ...data, run: (image) => run([image], weights) };
  });

  // -- small helpers --------------------------------------------------------------------------------------------

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
  const pause = () => new Promise((done) => setTimeout(done));
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

  // -- computing what a state shows -----------------------------------------------------------------------------

  const picture = (bytes, k, channels) =>
    floats(bytes.subarray(k * channels * PIXELS, (k + 1) * channels * PIXELS), [1, channels, SIZE, SIZE]);
  const boxOf = ({ box }) => aten.tensor(BigInt64Array.from(box, BigInt), [1, 4], "i64");

  async function objectOf(about, state, own) {
    const { objects } = await pictures(), { shrink } = await graphs("common");
    return shrink([own ? floats(own, [1, 4, SIZE, SIZE]) : picture(objects, about.objects.indexOf(state.object), 4)])[0];
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

  // Distances within and between the library's pairs, one after another, in the order of the random pairs.
  async function* measured(name, { name: transformation, sliders }) {
    const [net, about, steps, { paste }] = await Promise.all(
      [network(name), pictures(), graphs(transformation), graphs("common")]);
    const { shrink } = await graphs("common"), count = about.order.length;
    const parts = new Set(sliders.map((slider) => slider.parameter)).size;
    const image = (pair, key) => {
      const found = steps.draw([whole([key])]), given = found.slice(0, parts), on = found[parts];
      const object = shrink([picture(about.objects, about.labels[pair], 4)])[0];
      const moved = !on || on.data[0] ? steps.apply([object, boxOf(about), ...given])[0] : object;
      return net.run(paste([moved, picture(about.backgrounds, about.scenes[pair], 3)])[0])[0];
    };
    let within = 0, between = 0, first = null, last = null;
    for (const [done, pair] of about.order.entries()) {
      const x = image(pair, about.first[pair]);
      within += apart(x, image(pair, about.second[pair]));
      if (last) between += apart(x, last);
      [first, last] = [first ?? x, x];
      if (done === count - 1) between += apart(first, last);
      const pairs = done + 1, compared = done === count - 1 ? count : done;
      if (compared) yield { pairs, count, value: within / pairs / (between / compared) };
    }
  }

  // -- one explorer -----------------------------------------------------------------------------------------------

  async function start(root, folder) {
    base = folder;
    const about = JSON.parse(root.querySelector("script.live-description").textContent);
    const explorer = new Explorer(root, about);
    await explorer.begin();
    root.explorer = explorer; // for tests
  }

  class Explorer {
    constructor(root, about) {
      Object.assign(this, { root, about, own: null, touched: [0, 0] });
      for (const [name, data] of Object.entries(about.graphs)) once(`graphs/${name}`, () => aten.load(data)); // a reader's own
      this.has = (part) => about.shows.includes(part);
      this.state = this.read(location.hash) ?? structuredClone(about.start);
    }

    async begin() {
      const needed = this.state.steps.map((step) => graphs(step.name));
      await Promise.all([pictures(), graphs("common"), ...needed, ...this.state.networks.map(network)]);
      this.build();
      await this.pictures();
      if (this.has("distances")) await this.distances();
      const poster = this.root.querySelector(".live-poster"), curve = poster.querySelector(".live-curve svg");
      if (curve) this.plot.append(...curve.childNodes); // until its own is computed
      poster.replaceWith(this.app);
      this.root.dataset.live = "yes";
      addEventListener("hashchange", () => {
        const linked = this.read(location.hash);
        if (linked) this.change(() => (this.state = linked), true);
      });
      if (this.has("curve")) this.update();
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
        const [name, values = "", off] = text.split(":"), kind = about.kinds[name], numbers = values.split(",");
        if (!kind) return [];
        const read = (slider, k) => (numbers[k] && isFinite(numbers[k]) ? limited(Number(numbers[k]), slider) : slider.start);
        return [{ name, values: kind.sliders.map(read), on: off !== "off" }];
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

    build() {
      const { about } = this, section = (name, ...inside) => make("div", { className: `live-${name}` }, ...inside);
      this.status = make("p", { className: "live-status", role: "status", "aria-live": "polite" });
      this.choices = section("choices");
      this.steps = make("ol", { className: "live-steps" });
      const captions = this.has("mask") ? ["object", "mask", "image"] : ["image as it is", "transformed"];
      this.canvases = captions.map((name) =>
        make("canvas", { width: SIZE, height: SIZE, role: "img", "aria-label": name }));
      const figures = captions.map((name, k) => make("figure", {}, this.canvases[k], make("figcaption", {}, name)));
      this.seen = section("seen", section("views", ...figures));
      this.reading = section("reading", this.seen);
      if (this.has("distances")) {
        const head = ["network", "distance", "answers"].map((name) => make("th", { scope: "col" }, name));
        this.rows = make("tbody");
        this.seen.append(make("table", {}, make("thead", {}, make("tr", {}, ...head)), this.rows));
      }
      if (this.has("curve")) this.reading.append(this.buildCurve());
      this.app = section("app", this.choices, this.steps, this.reading);
      if (this.has("measure")) this.app.append(this.buildMeasure());
      this.app.append(this.buildButtons());
      if (this.has("code")) this.app.append(this.buildCode());
      this.app.append(this.status);
      this.controls();
    }

    // Choices, sliders and their values as the state has them; the element in focus stays in focus.
    controls() {
      const { about, state } = this, focus = document.activeElement?.dataset?.name;
      const choose = (label, options, value, set, groups) => {
        const select = make("select", { value: "" });
        const entry = ([name, text]) => make("option", { value: name }, text);
        if (groups) for (const [name, inside] of groups) select.append(make("optgroup", { label: name }, ...inside.map(entry)));
        select.prepend(...options.map(entry));
        select.value = value;
        select.dataset.name = label;
        select.onchange = () => this.change(() => set(select.value), true);
        return make("label", { className: "live-choice" }, make("span", {}, label), select);
      };
      const named = (list) => list.map((name) => [name, words(name)]);
      const own = this.own ? [["", "your picture"]] : [];
      this.choices.replaceChildren(
        choose("Object", [...own, ...named(about.objects)], this.own ? "" : state.object, (name) => {
          if (name) Object.assign(this, { own: null }).state.object = name;
        }),
        choose("Background", named(Object.keys(about.backgrounds)), state.background, (name) => (state.background = name)));
      if (!about.fixed && state.networks.length) {
        const options = Object.entries(about.networks);
        this.choices.append(...state.networks.map((name, k) =>
          choose("Network", options, name, (chosen) => (state.networks[k] = chosen))));
      }
      if (this.has("upload")) this.choices.append(this.upload());
      const groups = about.categories.map((category) => [category, named(Object.keys(about.kinds)
        .filter((name) => about.kinds[name].category === category))]);
      const rows = about.fixed || state.steps.length === about.steps ? state.steps : [...state.steps, null];
      this.sliders = [];
      this.steps.replaceChildren(...rows.map((step, at) => {
        const item = make("li"), number = about.steps > 1 ? `${at + 1}. transformation` : "Transformation";
        const none = about.steps > 1 ? [["", step ? "none" : "add one"]] : [];
        const set = (name) => {
          if (!name) state.steps.splice(at, 1);
          else state.steps[at] = { name, values: about.kinds[name].sliders.map((slider) => slider.start), on: true };
          this.touched = [Math.min(at, state.steps.length - 1), 0];
        };
        if (!about.fixed) item.append(choose(number, none, step?.name ?? "", set, groups.filter(([, inside]) => inside.length)));
        if (step) item.append(...this.stepControls(step, at));
        return item;
      }));
      if (focus) this.app.querySelector(`[data-name="${focus}"]`)?.focus();
    }

    stepControls(step, at) {
      const kind = this.about.kinds[step.name], share = kind.probability < 1 ? kind.probability : null;
      const often = share === null ? "" : `; the experiments apply it to ${Math.round(100 * share)} % of the images`;
      const parts = [make("p", { className: "live-about" }, `${words(step.name)} ${kind.summary}${often}.`)];
      if (share !== null) {
        const box = make("input", { type: "checkbox", checked: step.on });
        box.dataset.name = `acts ${at}`;
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
      return make("div", { className: "live-slider" }, text, make("div", { className: "live-track" }, range, strip), field);
    }

    // How often the experiments draw which value, and where this one is.
    strip({ low, high, bins }) {
      const svg = draw("svg", { class: "live-strip", viewBox: "0 0 240 12", preserveAspectRatio: "none", "aria-hidden": "true" });
      const most = Math.max(...bins), width = 240 / bins.length;
      svg.append(...bins.map((n, k) =>
        draw("rect", { x: k * width + 0.5, y: 12 - (12 * n) / most, width: width - 1, height: (12 * n) / most })));
      const line = draw("line", { y1: 0, y2: 12 });
      svg.append(draw("title", {}, "how often the experiments draw which value"), line);
      svg.mark = (value) => ["x1", "x2"].forEach((end) => line.setAttribute(end, (240 * (value - low)) / (high - low)));
      return svg;
    }

    upload() {
      const input = make("input", { type: "file", accept: "image/*" });
      input.dataset.name = "upload";
      input.onchange = async () => {
        const [file] = input.files;
        if (!file) return;
        try {
          this.own = await read(file);
          this.change(() => {}, true);
          this.say("Your picture is the object now. It stays in this page: nothing is sent anywhere.");
        } catch {
          this.say(`${file.name} is no picture that this browser can read. Try a PNG or JPEG file.`);
        }
      };
      return make("label", { className: "live-choice" }, make("span", {}, "Your own picture"), input);
    }

    buildButtons() {
      const button = (text, act) => make("button", { type: "button", onclick: act }, text);
      const buttons = [];
      if (this.has("draw")) buttons.push(button("Draw at random", () => this.drawAll(Math.floor(Math.random() * 1e6))));
      buttons.push(button("Reset", () => this.change(() => {
        Object.assign(this, { own: null, state: structuredClone(this.about.start), touched: [0, 0] });
      }, true)));
      buttons.push(button("Copy link", () => this.copy(this.link(), this.own
        ? "The link is copied. Your own picture is not part of it." : "The link is copied.")));
      return make("div", { className: "live-buttons" }, ...buttons);
    }

    async drawAll(number) {
      const steps = await Promise.all(this.state.steps.map((step) => drawn(this.about, step.name, number)));
      this.change(() => (this.state.steps = steps), true);
      this.say(`Drawn as the experiments draw it: number ${number}.`);
    }

    async copy(text, done) {
      try {
        await navigator.clipboard.writeText(text);
        this.say(done);
      } catch {
        this.say("This browser does not let a page copy: mark the text and copy it.");
      }
    }

    say(text) {
      this.status.textContent = text;
    }

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
            this.say(this.found.map((each) => `${about.networks[each.name]}: distance ${each.distance.toFixed(2)}`).join("; "));
          }
          await pause();
          if (!this.stale && this.has("curve")) await this.curve();
          if (!this.stale && this.moved) history.replaceState(null, "", this.link());
        }
      } catch (error) {
        this.say(`This did not work: ${error.message}. Check the connection, then try again.`);
      } finally {
        this.busy = false;
      }
    }

    async pictures() {
      const { about, state, own } = this, object = await objectOf(about, state, own);
      const moved = await transformed(about, state.steps, object);
      this.before = await pasted(about, state, object);
      this.image = await pasted(about, state, moved);
      const opaque = { ...moved, data: moved.data.slice(3 * PIXELS) };
      const shown = this.has("mask") ? [[moved, 4], [opaque, 1], [this.image, 3]] : [[this.before, 3], [this.image, 3]];
      shown.forEach(([{ data }, channels], k) => paint(this.canvases[k], data, channels));
      if (this.has("code")) this.showCode();
    }

    async distances() {
      const { state, about } = this;
      this.found = [];
      for (const name of state.networks) {
        const net = await network(name), [[before], [after, answers]] = [net.run(this.before), net.run(this.image)];
        const answer = about.objects[answers.data.indexOf(Math.max(...answers.data))];
        this.found.push({ name, distance: apart(before, after) / net.between, answer });
      }
      this.rows.replaceChildren(...this.found.map(({ name, distance, answer }, k) => make("tr", {},
        make("th", { scope: "row" }, swatch(k), about.networks[name]),
        make("td", {}, make("span", { className: "live-number" }, distance.toFixed(2)), bar(distance, k)),
        make("td", {}, words(answer)))));
    }

    buildCurve() {
      this.plot = draw("svg", { viewBox: "0 0 360 190", role: "img" });
      this.plot.onpointerdown = this.plot.onpointermove = (event) => {
        if (!this.axis || (event.type === "pointermove" && !event.buttons)) return;
        const { left, width } = this.plot.getBoundingClientRect(), { slider, step, place } = this.axis;
        const share = Math.min(1, Math.max(0, (((event.clientX - left) / width) * 360 - 34) / 316));
        step.values[place] = limited(slider.low + share * (slider.high - slider.low), slider);
        this.change(() => {}, true);
      };
      return make("figure", { className: "live-curve" }, this.plot, make("figcaption", {},
        "How far the representation moves: 0 not at all, 1 as far as to another image. Click or drag to set the value."));
    }

    // The distance over the whole range of the slider that was touched last.
    async curve() {
      const { about, state } = this, at = Math.min(this.touched[0], state.steps.length - 1), step = state.steps[at];
      const slider = step && about.kinds[step.name].sliders[this.touched[1]];
      this.axis = slider && { slider, step, place: this.touched[1] };
      if (!slider || !step.on) return this.plot.replaceChildren();
      const others = state.steps.map((each) => (each === step ? [each.name, this.touched[1]] : each));
      const rest = step.values.map((value, place) => (place === this.touched[1] ? null : value));
      const name = JSON.stringify([others, rest, state.object, state.background, state.networks, this.own && [...this.own]]);
      if (name !== this.curveOf) {
        const lines = await this.sweep(at, step, slider);
        if (!lines) return null;
        [this.lines, this.curveOf] = [lines, name];
      }
      return this.drawCurve(slider, step);
    }

    async sweep(at, step, slider) {
      const { about, state } = this, object = await objectOf(about, state, this.own), lines = state.networks.map(() => []);
      const nets = await Promise.all(state.networks.map(network)), zero = nets.map((net) => net.run(this.before)[0]);
      for (const value of points(slider)) {
        const values = step.values.map((own, place) => (place === this.touched[1] ? value : own));
        const steps = state.steps.map((each, k) => (k === at ? { ...step, values } : each));
        const image = await pasted(about, state, await transformed(about, steps, object));
        for (const [k, net] of nets.entries()) {
          lines[k].push([value, apart(zero[k], net.run(image)[0]) / net.between]);
          await pause();
          if (this.stale) return null;
        }
      }
      return lines;
    }

    drawCurve(slider, step) {
      const x = (value) => 34 + (316 * (value - slider.low)) / (slider.high - slider.low), top = 1.25;
      const y = (distance) => 158 - (146 * Math.min(distance, top)) / top, value = step.values[this.touched[1]];
      const label = `${words(step.name)}: ${slider.label}${slider.unit ? `, ${slider.unit}` : ""}`;
      const said = this.lines.map((line, k) => `${this.about.networks[this.state.networks[k]]} up to ` +
        Math.max(...line.map((point) => point[1])).toFixed(2));
      this.plot.setAttribute("aria-label", `Distance over ${label}. ${said.join("; ")}.`);
      this.plot.replaceChildren(
        ...[0, 0.5, 1].flatMap((distance) => [
          draw("line", { class: "live-grid", x1: 34, x2: 350, y1: y(distance), y2: y(distance) }),
          draw("text", { x: 28, y: y(distance) + 4, "text-anchor": "end" }, String(distance))]),
        draw("text", { x: 34, y: 173 }, String(slider.low)),
        draw("text", { x: 350, y: 173, "text-anchor": "end" }, String(slider.high)),
        draw("text", { x: 192, y: 186, "text-anchor": "middle" }, label),
        ...this.lines.map((line, k) => draw("polyline", {
          points: line.map(([at, distance]) => `${x(at).toFixed(1)},${y(distance).toFixed(1)}`).join(" "),
          fill: "none", stroke: COLOURS[k], "stroke-width": 2.5, "stroke-dasharray": DASHES[k] })),
        draw("line", { class: "live-mark", x1: x(value), x2: x(value), y1: 8, y2: 158 }));
    }

    // -- a whole sensitivity

    buildMeasure() {
      this.button = make("button", { type: "button", className: "live-main" }, "Measure over 200 pairs");
      this.button.onclick = () => this.measure();
      this.progress = make("p", { className: "live-progress" },
        "One image says little. The sensitivity is a mean over pairs of images that share everything but the draw.");
      this.converging = draw("svg", { viewBox: "0 0 360 120", role: "img", "aria-label": "The sensitivity as pairs are added" });
      this.measuredRows = make("tbody");
      this.table = make("table", { hidden: true }, make("thead", {}, make("tr", {},
        ...["network", "transformation", "here, 200 pairs", "library, 2,000 pairs"].map((name) => make("th", { scope: "col" }, name)))),
        this.measuredRows);
      return make("div", { className: "live-measure" }, make("div", {}, this.button, this.progress, this.table), this.converging);
    }

    async measure() {
      if (this.measuring) return void (this.measuring = false);
      const [name] = this.state.networks, step = this.state.steps[0], { about } = this;
      this.measuring = true;
      this.button.textContent = "Stop";
      try {
        const library = (await network(name)).measured[step.name], values = [];
        const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
        for await (const now of measured(name, about.kinds[step.name])) {
          values.push(now.value);
          this.progress.textContent = `Sensitivity to ${words(step.name)}: ${now.value.toFixed(3)} after ${now.pairs} pairs.`;
          if (!calm || now.pairs === now.count) this.drawConverging(values, now.count, library);
          await pause();
          if (!this.measuring) return;
          if (now.pairs === now.count) this.keep(about.networks[name], step.name, now.value, library);
        }
      } catch (error) {
        this.say(`This did not work: ${error.message}. Check the connection, then try again.`);
      } finally {
        this.measuring = false;
        this.button.textContent = "Measure over 200 pairs";
      }
    }

    keep(network, transformation, value, library) {
      const texts = [words(transformation), value.toFixed(2), library?.toFixed(2) ?? "–"];
      this.measuredRows.append(make("tr", {}, make("th", { scope: "row" }, network), ...texts.map((text) => make("td", {}, text))));
      this.table.hidden = false;
      this.say(`${network}: sensitivity to ${words(transformation)} is ${value.toFixed(2)}.`);
    }

    drawConverging(values, count, library) {
      const x = (k) => 34 + (316 * k) / count, y = (value) => 98 - (90 * Math.min(value, 1.25)) / 1.25;
      const level = (value) => ({ x1: 34, x2: 350, y1: y(value), y2: y(value) });
      this.converging.replaceChildren(
        ...[0, 0.5, 1].flatMap((value) => [draw("line", { class: "live-grid", ...level(value) }),
          draw("text", { x: 28, y: y(value) + 4, "text-anchor": "end" }, String(value))]),
        draw("text", { x: 350, y: 114, "text-anchor": "end" }, `${count} pairs`),
        ...(library ? [draw("line", { class: "live-library", ...level(library) })] : []),
        draw("polyline", { points: values.map((value, k) => `${x(k + 1).toFixed(1)},${y(value).toFixed(1)}`).join(" "),
          fill: "none", stroke: COLOURS[0], "stroke-width": 2.5 }));
    }

    // -- the code that makes the image

    buildCode() {
      this.code = make("code");
      const copy = make("button", { type: "button", onclick: () => this.copy(this.code.textContent, "The code is copied.") }, "Copy");
      return make("details", { className: "live-code" }, make("summary", {}, "The code that makes this image"),
        make("pre", { tabIndex: 0 }, this.code), copy);
    }

    showCode() {
      const { about, state } = this, acting = state.steps.filter((step) => step.on);
      const text = (slider, value) => (slider.whole || !Number.isInteger(value) ? `${value}` : `${value}.0`);
      const given = acting.map(({ name, values }) =>
        about.kinds[name].code.replace(/\$(\d)/g, (_, k) => text(about.kinds[name].sliders[k], values[k])));
      const filled = { object: state.object, scene: about.backgrounds[state.background],
        names: acting.map((step) => `"${step.name}"`).join(", "), parameters: given.join(", ") };
      const lines = about.code.replace(/\$(\w+)/g, (_, name) => filled[name]);
      this.code.textContent = (this.own ? "# With the library's object in the place of your own picture.\n" : "") + lines;
    }
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

  // The values of a slider at which a curve is computed, as `scene.points` has them.
  function points(slider) {
    const n = slider.whole ? Math.min(SAMPLES, Math.round(slider.high - slider.low) + 1) : SAMPLES;
    const values = Array.from({ length: n }, (_, k) => slider.low + ((slider.high - slider.low) * k) / (n - 1));
    return slider.whole ? values.map((value) => Math.floor(value + 0.5)) : values;
  }

  // A file as an object: uint8 (4, 32, 32), the whole picture inside the square.
  async function read(file) {
    const bitmap = await createImageBitmap(file), side = Math.max(bitmap.width, bitmap.height) / SIZE;
    const canvas = make("canvas", { width: SIZE, height: SIZE }), context = canvas.getContext("2d");
    const [width, height] = [bitmap.width / side, bitmap.height / side];
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, (SIZE - width) / 2, (SIZE - height) / 2, width, height);
    const { data } = context.getImageData(0, 0, SIZE, SIZE), out = new Uint8Array(4 * PIXELS);
    for (let p = 0; p < PIXELS; p++) for (let c = 0; c < 4; c++) out[c * PIXELS + p] = data[4 * p + c];
    return out;
  }

  function swatch(k) {
    const svg = draw("svg", { class: "live-swatch", viewBox: "0 0 24 8", "aria-hidden": "true" });
    svg.append(draw("line", { x1: 0, x2: 24, y1: 4, y2: 4, stroke: COLOURS[k], "stroke-width": 3, "stroke-dasharray": DASHES[k] }));
    return svg;
  }
  const bar = (distance, k) => {
    const inside = make("span", { className: "live-bar", "aria-hidden": "true" });
    inside.style.cssText = `--share: ${Math.min(1, distance / 1.25)}; --colour: ${COLOURS[k]}`;
    return inside;
  };

  return { add, start };
})();

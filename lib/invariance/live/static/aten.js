"use strict";
// Runs graphs of core ATen operators, as `invariance.live.lowering` writes them. A tensor is { data, shape, type },
// with its numbers row by row in a typed array. Arithmetic rounds as torch's does: results are stored in the type
// of the output, and numbers beside a tensor are first rounded to the type that is computed in.
const aten = (() => {
  const ARRAYS = {
    f32: Float32Array, f64: Float64Array, i64: BigInt64Array, i32: Int32Array, i16: Int16Array, u8: Uint8Array,
    bool: Uint8Array,
  };
  const ops = {};

  // -- tensors
  const count = (shape) => shape.reduce((product, n) => product * n, 1);
  const isTensor = (value) => value !== null && typeof value === "object" && "data" in value;
  const empty = (out) => ({ data: new ARRAYS[out.type](count(out.shape)), shape: out.shape, type: out.type });
  const tensor = (data, shape, type = "f32") => ({ data, shape, type });
  const from = (axis, rank) => (axis < 0 ? axis + rank : axis);

  function stridesOf(shape) {
    const strides = new Array(shape.length);
    for (let axis = shape.length - 1, step = 1; axis >= 0; axis--) {
      strides[axis] = step;
      step *= shape[axis];
    }
    return strides;
  }

  // Places offset + sum of index * stride for every index of `shape`, in order. Kept: they come back at every move.
  const walks = new Map();
  function walk(shape, strides, offset) {
    const name = `${shape};${strides};${offset}`;
    let places = walks.get(name);
    if (places) return places;
    places = Int32Array.of(offset);
    shape.forEach((n, axis) => {
      const next = new Int32Array(places.length * n);
      let k = 0;
      for (const place of places) for (let i = 0; i < n; i++) next[k++] = place + i * strides[axis];
      places = next;
    });
    const steps = stridesOf(shape);
    places.row = shape.every((n, axis) => n === 1 || strides[axis] === steps[axis]); // one after another
    walks.set(name, places);
    return places;
  }

  // Places in a tensor of shape `own` for every element of the shape that it is broadcast to.
  function spread(own, shape) {
    const strides = stridesOf(own), ahead = shape.length - own.length;
    const stride = (_, axis) => (axis < ahead || own[axis - ahead] === 1 ? 0 : strides[axis - ahead]);
    return walk(shape, shape.map(stride), 0);
  }

  function take(x, places, out) {
    if (places.row) return { ...out, data: x.data.slice(places[0], places[0] + places.length) };
    const made = empty(out);
    for (let i = 0; i < places.length; i++) made.data[i] = x.data[places[i]];
    return made;
  }

  function cast(x, type) {
    if (x.type === type) return x;
    const made = empty({ shape: x.shape, type }), { data } = x, whole = type[0] !== "f", big = x.type === "i64";
    for (let i = 0; i < data.length; i++) {
      let value = data[i];
      if (type === "bool") value = value ? 1 : 0;
      else if (type === "i64") value = BigInt(Math.trunc(Number(value)));
      else if (big) value = Number(whole ? BigInt.asIntN(32, value) : value);
      else if (whole) value = Math.trunc(value);
      made.data[i] = value;
    }
    return made;
  }

  // A number or the text of one, as tensors of this type hold it.
  const scalar = (value, type) =>
    type === "i64" ? BigInt(value) : type === "f32" ? Math.fround(Number(value)) : Number(value);

  const number = (value, type) => tensor(ARRAYS[type].of(scalar(value, type)), [], type);

  // -- one number after another
  const unary = (f) => (x, out) => {
    const { data } = cast(x, out.computed), made = empty(out);
    for (let i = 0; i < data.length; i++) made.data[i] = f(data[i]);
    return made;
  };

  // Numbers x at places u and y at places v, into z. Where most float32 pass, the loop is written out (`quick`): a
  // browser compiles a loop for all functions and types that ever went through it, and those make it slow.
  const binary = (f, quick) => {
    const loop = (x, u, y, v, z) => { for (let i = 0; i < z.length; i++) z[i] = f(x[u[i]], y[v[i]]); };
    return (a, b, out) => {
      const made = empty(out), type = out.computed;
      const [x, y] = [a, b].map((each) => (isTensor(each) ? cast(each, type) : number(each, type)));
      const u = spread(x.shape, out.shape), v = spread(y.shape, out.shape);
      (type === "f32" ? quick ?? loop : loop)(x.data, u, y.data, v, made.data);
      return made;
    };
  };

  // alpha * b, in the type of the result
  const times = (b, alpha, out) =>
    alpha === 1 ? b : isTensor(b) ? ops.mul(b, alpha, { ...out, shape: b.shape }) : b * alpha;
  const minus = binary((x, y) => x - y, (x, u, y, v, z) => { for (let i = 0; i < z.length; i++) z[i] = x[u[i]] - y[v[i]]; });
  const plus = binary((x, y) => x + y, (x, u, y, v, z) => { for (let i = 0; i < z.length; i++) z[i] = x[u[i]] + y[v[i]]; });
  ops.add = (a, b, alpha, out) => plus(a, times(b, alpha, out), out);
  ops.sub = (a, b, alpha, out) => minus(a, times(b, alpha, out), out);
  ops.mul = binary((x, y) => x * y, (x, u, y, v, z) => { for (let i = 0; i < z.length; i++) z[i] = x[u[i]] * y[v[i]]; });
  const quotient = binary((x, y) => x / y);
  const floored = binary((x, y) =>
    typeof x === "bigint" ? x / y - BigInt(x % y !== 0n && x < 0n !== y < 0n) : Math.floor(x / y));
  const truncated = binary((x, y) => (typeof x === "bigint" ? x / y : Math.trunc(x / y)));
  ops.div = (a, b, ...rest) => {
    const out = rest.pop();
    return ({ floor: floored, trunc: truncated }[rest[0]] ?? quotient)(a, b, out);
  };
  const signed = (rest, y) => (rest && rest < 0 !== y < 0 ? rest + y : rest);
  ops.remainder = binary((x, y) => signed(x % y, y));
  ops.pow = binary((x, y) => (y === 2 ? x * x : x ** y));
  ops.minimum = binary((x, y) => (x < y ? x : y));
  ops.maximum = binary((x, y) => (x > y ? x : y));
  ops.copysign = binary((x, y) => (y < 0 || Object.is(y, -0) ? -Math.abs(x) : Math.abs(x)));
  ops.bitwise_and = binary((x, y) => x & y);
  ops.bitwise_or = binary((x, y) => x | y);
  ops.bitwise_xor = binary((x, y) => x ^ y);
  ops.bitwise_right_shift = binary((x, y) => x >> y);
  ops.__rshift__ = ops.bitwise_right_shift;
  ops.eq = binary((x, y) => (x === y ? 1 : 0));
  ops.ne = binary((x, y) => (x !== y ? 1 : 0));
  ops.lt = binary((x, y) => (x < y ? 1 : 0));
  ops.le = binary((x, y) => (x <= y ? 1 : 0));
  ops.gt = binary((x, y) => (x > y ? 1 : 0));
  ops.ge = binary((x, y) => (x >= y ? 1 : 0));

  ops.neg = unary((x) => -x);
  ops.abs = unary((x) => (x < 0 ? -x : x));
  ops.relu = unary((x) => (x > 0 ? x : x * (typeof x === "bigint" ? 0n : 0)));
  ops.floor = unary(Math.floor);
  ops.ceil = unary(Math.ceil);
  ops.round = unary((x) => {
    const near = Math.round(x);
    return Math.abs(x % 1) === 0.5 && near % 2 !== 0 ? near - 1 : near; // halves go to even numbers
  });
  ops.exp = unary(Math.exp);
  ops.log = unary(Math.log);
  ops.tanh = unary(Math.tanh);
  ops.sigmoid = unary((x) => 1 / (1 + Math.exp(-x)));
  ops.sqrt = unary(Math.sqrt);
  ops.reciprocal = unary((x) => 1 / x);
  ops.sin = unary(Math.sin);
  ops.cos = unary(Math.cos);
  ops.tan = unary(Math.tan);
  ops.clamp = (x, low, high, out) => {
    const [least, most] = [low, high].map((end) => (end === null ? null : scalar(end, out.type)));
    if (out.type !== "f32")
      return unary((v) => (least !== null && v < least ? least : most !== null && v > most ? most : v))(x, out);
    const made = empty(out), z = made.data, { data } = cast(x, "f32"), [from, to] = [least ?? -Infinity, most ?? Infinity];
    for (let i = 0; i < z.length; i++) z[i] = data[i] < from ? from : data[i] > to ? to : data[i];
    return made;
  };
  ops.where = (condition, a, b, out) => {
    const [x, y] = [cast(a, out.type), cast(b, out.type)], made = empty(out);
    const [c, u, v] = [condition, x, y].map((each) => spread(each.shape, out.shape));
    for (let i = 0; i < c.length; i++) made.data[i] = condition.data[c[i]] ? x.data[u[i]] : y.data[v[i]];
    return made;
  };

  // -- the same numbers in another order
  ops.cast = (x, out) => cast(x, out.type);
  ops.reshape = (x, out) => ({ ...x, shape: out.shape });
  ops.bitcast = (x, ...rest) => {
    const out = rest.pop();
    return { ...out, data: new ARRAYS[out.type](x.data.slice().buffer) };
  };
  ops.broadcast = (x, out) => take(cast(x, out.type), spread(x.shape, out.shape), out);
  ops.strided = (x, strides, offset, out) => take(x, walk(out.shape, strides, offset), out);
  ops.scatter = (x, y, shape, strides, offset, out) => {
    const made = { ...out, data: x.data.slice() }, places = walk(shape, strides, offset), { data } = cast(y, out.type);
    if (places.row) made.data.set(data, places[0]);
    else for (let i = 0; i < places.length; i++) made.data[places[i]] = data[i];
    return made;
  };
  ops.flip = (x, axes, out) => {
    const strides = stridesOf(x.shape);
    let offset = 0;
    for (const axis of axes.map((each) => from(each, x.shape.length))) {
      offset += strides[axis] * (x.shape[axis] - 1);
      strides[axis] *= -1;
    }
    return take(x, walk(x.shape, strides, offset), out);
  };
  ops.cat = (parts, axis, out) => {
    const made = empty(out), strides = stridesOf(out.shape), along = from(axis, out.shape.length);
    let start = 0;
    for (const part of parts.filter((each) => each.data.length)) {
      const places = walk(part.shape, strides, start * strides[along]), { data } = cast(part, out.type);
      for (let i = 0; i < places.length; i++) made.data[places[i]] = data[i];
      start += part.shape[along];
    }
    return made;
  };
  ops.index_select = (x, axis, index, out) => {
    const along = from(axis, x.shape.length), strides = stridesOf(x.shape), made = empty(out);
    const inner = strides[along], outer = inner * x.shape[along];
    let k = 0;
    for (let start = 0; start < x.data.length; start += outer)
      for (const row of index.data)
        for (let i = 0; i < inner; i++) made.data[k++] = x.data[start + Number(row) * inner + i];
    return made;
  };

  // -- sums
  const reduced = (start, f, end = (sum) => sum) => (x, axes, keep, ...rest) => {
    const out = rest.pop(), rank = x.shape.length, chosen = axes?.length ? axes : x.shape.map((_, axis) => axis);
    const over = new Set(chosen.map((axis) => from(axis, rank)));
    const rows = walk(x.shape.map((n, axis) => (over.has(axis) ? 1 : n)), stridesOf(x.shape), 0);
    const within = walk(x.shape.map((n, axis) => (over.has(axis) ? n : 1)), stridesOf(x.shape), 0);
    const made = empty(out);
    for (let i = 0; i < rows.length; i++) {
      let sum = start;
      for (let j = 0; j < within.length; j++) sum = f(sum, Number(x.data[rows[i] + within[j]]));
      made.data[i] = scalar(end(sum, within.length), out.type);
    }
    return made;
  };
  ops.sum = reduced(0, (sum, v) => sum + v);
  ops.mean = reduced(0, (sum, v) => sum + v, (sum, n) => sum / n);
  ops.amin = reduced(Infinity, Math.min);
  ops.amax = reduced(-Infinity, Math.max);

  function product({ data: x }, { data: y }, out, batch, n, inner, m) {
    const row = new Float64Array(m), made = empty(out);
    for (let r = 0; r < batch * n; r++) {
      const other = Math.floor(r / n) * inner * m;
      row.fill(0);
      for (let k = 0; k < inner; k++) {
        const v = x[r * inner + k];
        if (v !== 0) for (let c = 0, at = other + k * m; c < m; c++, at++) row[c] += v * y[at];
      }
      made.data.set(row, r * m);
    }
    return made;
  }
  ops.mm = (x, y, out) => product(x, y, out, 1, x.shape[0], ...y.shape);
  ops.bmm = (x, y, out) => product(x, y, out, x.shape[0], x.shape[1], y.shape[1], y.shape[2]);
  ops.addmm = (bias, x, y, beta, alpha, out) => plus(ops.mm(x, y, out), bias, out);

  // -- layers, for one image at a time
  // Every patch becomes a row; then the filters are one product with all rows.
  function patchesOf(x, [R, S], [down, right], [top, left], [P, Q]) {
    const [, C, H, W] = x.shape, patches = new Float64Array(P * Q * C * R * S), { data } = x;
    let k = 0;
    for (let p = 0; p < P; p++)
      for (let q = 0; q < Q; q++)
        for (let c = 0; c < C; c++)
          for (let r = 0; r < R; r++) {
            const i = p * down - top + r, start = (c * H + i) * W;
            for (let s = 0; s < S; s++, k++) {
              const j = q * right - left + s;
              if (i >= 0 && j >= 0 && i < H && j < W) patches[k] = data[start + j];
            }
          }
    return patches;
  }
  // Four filters with two patches at a time, so that every number read is used twice or more; the last ones again
  // where the count is no multiple.
  function filtered(w, patches, bias, inner, F, n, z) {
    for (let f = 0; f < F; f += 4)
      for (let p = 0; p < n; p += 2) {
        const filters = [f, f + 1, f + 2, f + 3].map((each) => Math.min(each, F - 1)), q = Math.min(p + 1, n - 1);
        const [a, b, c, d] = filters.map((each) => each * inner), [x, y] = [p * inner, q * inner];
        let ax = 0, bx = 0, cx = 0, dx = 0, ay = 0, by = 0, cy = 0, dy = 0;
        for (let k = 0; k < inner; k++) {
          const u = patches[x + k], v = patches[y + k], wa = w[a + k], wb = w[b + k], wc = w[c + k], wd = w[d + k];
          ax += wa * u, bx += wb * u, cx += wc * u, dx += wd * u;
          ay += wa * v, by += wb * v, cy += wc * v, dy += wd * v;
        }
        [ax, bx, cx, dx].forEach((sum, k) => (z[filters[k] * n + p] = sum + (bias ? bias[filters[k]] : 0)));
        [ay, by, cy, dy].forEach((sum, k) => (z[filters[k] * n + q] = sum + (bias ? bias[filters[k]] : 0)));
      }
  }
  ops.convolution = (x, filters, bias, stride, padding, dilation, transposed, ends, groups, out) => {
    const made = empty(out), [F, C, R, S] = filters.shape, places = out.shape.slice(2);
    if (x.shape[0] !== 1 || groups !== 1 || transposed || dilation.some((d) => d !== 1))
      throw new Error("only plain convolutions of one image are known");
    const patches = patchesOf(x, [R, S], stride, padding, places);
    filtered(filters.data, patches, bias?.data, C * R * S, F, places[0] * places[1], made.data);
    return made;
  };
  ops.batch_norm = (x, weight, bias, mean, variance, momentum, eps, out) => {
    const made = empty(out), z = made.data, n = count(x.shape.slice(2));
    for (let i = 0, c = 0; i < z.length; c = (c + 1) % x.shape[1]) {
      const middle = mean.data[c], spread = Math.sqrt(variance.data[c] + eps), w = weight.data[c], b = bias.data[c];
      for (const end = i + n; i < end; i++) z[i] = ((x.data[i] - middle) / spread) * w + b;
    }
    return made;
  };
  ops.grid_sampler_2d = (x, grid, mode, padding, align, out) => {
    const [B, C, H, W] = x.shape, n = out.shape[2] * out.shape[3], made = empty(out), { fround } = Math;
    if (padding !== 0 || align || mode > 1) throw new Error("only samples that are 0 outside are known");
    const pixel = (plane, i, j) => (i < 0 || j < 0 || i >= H || j >= W ? 0 : x.data[plane * H * W + i * W + j]);
    const even = (v) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));
    for (let b = 0; b < B; b++)
      for (let p = 0; p < n; p++) {
        const [gx, gy] = [grid.data[2 * (b * n + p)], grid.data[2 * (b * n + p) + 1]];
        const u = fround(fround(fround(gx + 1) * (W / 2)) - 0.5), v = fround(fround(fround(gy + 1) * (H / 2)) - 0.5);
        const j = mode ? even(u) : Math.floor(u), i = mode ? even(v) : Math.floor(v), s = u - j, r = v - i;
        for (let plane = b * C; plane < (b + 1) * C; plane++)
          made.data[plane * n + p] = mode
            ? pixel(plane, i, j)
            : pixel(plane, i, j) * (1 - r) * (1 - s) + pixel(plane, i, j + 1) * (1 - r) * s +
              pixel(plane, i + 1, j) * r * (1 - s) + pixel(plane, i + 1, j + 1) * r * s;
      }
    return made;
  };

  // -- graphs
  // The text of compressed bytes, as `packed` writes it.
  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  }

  function fromHalf(bits) {
    const exponent = (bits >> 10) & 31, fraction = bits & 1023, sign = bits & 0x8000 ? -1 : 1;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
  }
  const halves = (buffer) => Float32Array.from(new Uint16Array(buffer), fromHalf);

  // Functions (inputs, weights) => outputs by name, of what `pack` gives.
  async function load({ graphs, constants }) {
    const blob = await unpack(constants);
    const made = Object.entries(graphs).map(([name, graph]) => {
      const kept = graph.constants.map(([type, shape, at]) =>
        tensor(new ARRAYS[type](blob, at, count(shape)), shape, type));
      return [name, (inputs, weights = []) => run(graph, { i: inputs, w: weights, c: kept, n: [] })];
    });
    return Object.fromEntries(made);
  }

  function run(graph, known) {
    const read = (value) => {
      if (Array.isArray(value)) return value.map(read);
      return typeof value === "string" && /^[iwcn]\d+$/.test(value) ? known[value[0]][value.slice(1)] : value;
    };
    for (const [name, given, type, shape, computed = type] of graph.nodes)
      known.n.push(ops[name](...given.map(read), { type, shape, computed }));
    return graph.outputs.map(read);
  }

  return { load, unpack, halves, tensor, count };
})();

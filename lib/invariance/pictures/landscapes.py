"""The ten painters behind `scenes`: each fills a canvas with one type of landscape."""

import numpy as np

from invariance.pictures.brushes import Canvas, ramp, rgb, zigzag


def _sky(c: Canvas) -> None:
    c.sky(c.draw("horizon", 0.95, 1.4))
    if "bank" in c.amounts:
        edge = c.draw("bank", 0.35, 0.6) - 0.5 * c.ridge("bank top", 3, octaves=4) + 0.2
        puffs = c.fractal("puffs", 6, 6, 4) - c.fractal("puffs", 6, 6, 3, shift=-0.05)
        lit = np.clip(1.08 - 0.6 * (c.y - edge) + 0.8 * puffs, 0.55, 1.05)
        c.paint(c.cover((c.y - edge + 0.2 * puffs) * 0.4) * c.amount("bank"), rgb("f4f6fa") * c.light * lit)
    if "rainbow" in c.amounts:
        centre, radius = c.draw("bow x", 0.2, 0.8), c.draw("bow", 0.55, 0.8)
        band = (c.disc(centre, c.draw("bow y", 0.95, 1.2), radius) + 0.085) / 0.17  # 0 outside to 1 inside
        for step, colour in enumerate(("e04040", "f0a030", "f0e850", "50c860", "4078e0", "8850c8")):
            stripe = np.clip(1 - np.abs(band * 6 - 0.5 - step), 0, 1)
            c.paint(stripe * c.amount("rainbow") * 0.62, rgb(colour))


def _sea(c: Canvas) -> None:
    horizon = c.draw("horizon", 0.28, 0.52)
    sun_x, _ = c.sky(horizon)
    if "islands" in c.amounts:
        peaks = c.ridge("islands", 3, octaves=4) - 0.5
        land = c.cover(c.y - horizon + 0.32 * peaks + 0.03) * np.minimum(c.amount("islands") * 2, 1)
        c.paint(land, 0.4 * c.far + 0.5 * rgb("4c7048") * c.light)
    if "ice" in c.amounts:
        peaks = np.maximum(c.ridge("ice", 5, order=1, octaves=2) - 0.42, 0)
        facets = 0.72 + 0.5 * c.noise("facets", 9, 11, order=1)
        c.paint(c.cover(c.y - horizon + 0.62 * peaks) * c.amount("ice"), rgb("e4f4fc") * facets)
    _water(c, horizon, c.cover(c.y - horizon), sun_x, c.near)
    if "boats" in c.amounts:
        for boat in range(2):
            x, size = c.draw(f"boat {boat}", 0.1, 0.9), c.draw(f"boat size {boat}", 0.1, 0.24)
            foot = horizon + 0.35 * size
            sail = c.cover(c.wedge(x, foot - 1.5 * size, foot - 0.1 * size, size)) * c.amount("boats")
            c.paint(sail, rgb("fcf8f0") * (0.85 + 0.15 * (c.x > x)))
            hull = c.cover(c.bar(x - 0.6 * size, x + 0.6 * size, foot - 0.1 * size, foot + 0.12 * size))
            c.paint(hull * c.amount("boats"), rgb("7c2c24"))
    c.haze("fog", 0.7 - 0.65 * ramp(np.abs(c.y - horizon), 0.0, 0.45))


def _water(c: Canvas, horizon: np.ndarray, mask: np.ndarray, sun_x: np.ndarray, near: np.ndarray) -> None:
    """Water from the horizon down, of the colour `near` at the bottom, with waves, foam, and glitter below the sun."""
    depth = np.clip((c.y - horizon) / (1 - horizon), 0, 1)
    waves = c.ground_noise("waves", horizon, 36, 5) * 0.55 + c.ground_noise("ripples", horizon, 54, 13) * 0.45
    colour = c.far + (near - c.far) * depth
    colour = colour + (c.skyline - colour) * (0.3 * (1 - depth))
    c.paint(mask, colour * (1 + (waves - 0.5) * (0.25 + 0.75 * c.amount("waves")) * (0.4 + 0.6 * depth)))
    if "foam" in c.amounts:
        c.paint(mask * ramp(waves, 0.62, 0.82) * c.amount("foam") * (0.3 + 0.7 * depth), rgb("f4f8f8") * c.light)
    for name, colour in (("glitter", "fff0c0"), ("moon", "dce4fc")):
        if name in c.amounts:
            path = np.clip(1.1 - np.abs(c.x - sun_x) / (0.05 + 0.16 * depth), 0, 1)
            c.paint(mask * path * ramp(waves, 0.36, 0.62) * c.amount(name) * 0.9, rgb(colour))


def _beach(c: Canvas) -> None:
    horizon = c.draw("horizon", 0.22, 0.38)
    sun_x, _ = c.sky(horizon)
    shore = c.draw("shore", 0.5, 0.68) + c.draw("slope", -0.3, 0.3) * (c.x - 0.5)
    shore = shore + 0.09 * (c.ridge("shore line", 3, octaves=2) - 0.5)
    if "cliffs" in c.amounts:
        side = np.where(c.draw("side") < 0.5, c.x, 1 - c.x)
        rise = ramp(0.62 - side + 0.35 * (c.ridge("cliffs", 5, octaves=4) - 0.5), 0, 0.22)
        top = horizon + 0.01 - c.draw("cliff", 0.14, 0.2) * rise * (1.1 - 0.6 * side)
        rock = 0.7 + 0.6 * c.noise("strata", 5, 22)
        wall = c.cover(np.minimum(c.y - top, rise - 0.05)) * c.amount("cliffs")
        c.paint(wall, rgb("c8a878") * c.light * rock)
        c.paint(wall * c.cover(top + 0.03 - c.y), rgb("6c9444") * c.light)
    sea = c.far * 0.85
    _water(c, horizon, c.cover(c.y - horizon), sun_x, sea)
    below, grain = c.y - shore, c.fractal("sand", 12, 9, 3)
    c.paint(c.cover(below), c.near * (0.72 + 0.28 * ramp(below, 0.05, 0.16)) * (0.85 + 0.3 * grain))
    swash = ramp(-np.abs(below - 0.01) + 0.02 * grain, -0.03, 0.0)
    foam = np.clip(swash + 0.5 * ramp(-np.abs(below + 0.09), -0.025, 0) * (grain > 0.45), 0, 1)
    c.paint(foam, (rgb("ffffff") + sea * 0.1) * (0.2 + 0.8 * c.light))
    _pebbles(c, 0.5 * horizon + 0.35, c.cover(below - 0.05))
    _palms(c, c.draw("palm foot", 0.72, 0.9))
    if "parasols" in c.amounts:
        for number, colour in enumerate(("e4382c", "fcd03c", "2c80d8")):
            x, y = c.draw(f"parasol x{number}", 0.1, 0.9), c.draw(f"parasol y{number}", 0.66, 0.88)
            radius, shown = c.draw(f"parasol {number}", 0.09, 0.14), c.amount("parasols")
            c.paint(c.cover(c.bar(x - 0.008, x + 0.008, y, y + 1.1 * radius)) * shown, rgb("705030"))
            dome = np.minimum(c.disc(x, y, radius), y - c.y)
            gores = 0.55 + 0.45 * (zigzag((c.x - x) / radius * 1.5 + 0.5) > 0.5)
            c.paint(c.cover(dome) * shown, rgb(colour) * gores + (1 - gores) * 0.9)


def _pebbles(c: Canvas, top: np.ndarray, where: np.ndarray | float) -> None:
    if "pebbles" in c.amounts:
        stones = c.ground_noise("pebbles", top, 26, 18)
        lit = stones - c.ground_noise("pebbles", top - 0.02, 26, 18)
        mask = where * c.cover(c.y - top) * ramp(stones, 0.5, 0.62) * c.amount("pebbles")
        c.paint(mask, (c.near * 0.4 + 0.22 * c.light) * np.clip(1 + 1.3 * lit, 0.45, 1.5))


def _palms(c: Canvas, foot: np.ndarray) -> None:
    for palm in range(2 * ("palms" in c.amounts)):
        x, lean = c.draw(f"palm {palm}", 0.12, 0.88), c.draw(f"lean {palm}", -0.5, 0.5)
        tall = c.draw(f"tall {palm}", 0.42, 0.62)
        up = np.clip((foot - c.y) / tall, 0, 1)
        trunk = np.minimum(0.022 - np.abs(c.x - x - lean * 0.3 * up * up), np.minimum(foot - c.y, c.y - foot + tall))
        c.paint(c.cover(trunk) * c.amount("palms"), rgb("6c4a2c") * c.light)
        dx, dy = c.x - x - lean * 0.3, c.y - (foot - tall)
        for rise, droop, colour in ((0.7, 4.2, "2c6c30"), (0.1, 3.2, "3c8438"), (-0.6, 2.2, "54a040")):
            reach = np.abs(dx)
            bow = dy + (0.25 - rise * 0.5) * reach - droop * reach * reach
            frond = np.minimum(0.035 * (1 - reach / 0.24) - np.abs(bow), 0.24 - reach)
            c.paint(c.cover(frond) * c.amount("palms"), rgb(colour) * c.light)


def _desert(c: Canvas) -> None:
    horizon = c.draw("horizon", 0.35, 0.55)
    c.sky(horizon)
    if "mesas" in c.amounts:
        block = c.ridge("mesas", 5, order=0) - 0.62
        top = horizon + 0.02 - 0.75 * np.maximum(block, 0) - 0.02 * (block > 0)
        strata = 0.8 + 0.35 * c.noise("strata", 22, 2)
        c.paint(c.cover(c.y - top) * c.amount("mesas"), c.far * strata * rgb("f0d0c0"))
    ripples = c.ground_noise("ripples", horizon, 50, 4) - 0.5
    for layer in range(3):
        t = np.float32(layer / 2)
        crest = c.ridge(f"dune {layer}", 3 - (layer == 2))
        base = horizon + (0.78 - horizon) * t + 0.06 - (0.14 + 0.26 * t) * crest
        colour = c.far + (c.near - c.far) * t
        slope = np.gradient(crest, axis=-1) * np.float32(c.size) * np.where(c.draw("sun side") < 0.5, 1, -1)
        fall = np.clip((c.y - base) * 3, 0, 1)
        lit = 1 + 0.32 * np.clip(slope * 2.5, -1, 0.5) * (1 - fall) + 0.3 * ripples
        c.paint(c.cover(c.y - base), colour * lit * (1.04 - 0.16 * t))
    _pebbles(c, horizon + 0.2, 1)
    if "oasis" in c.amounts:
        y, x = c.draw("pool y", 0.78, 0.88), c.draw("pool x", 0.3, 0.7)
        pool = 0.28 - np.sqrt((c.x - x) * (c.x - x) + 14 * (c.y - y) * (c.y - y))
        c.paint(c.cover(pool + 0.07) * c.amount("oasis"), rgb("6c9448") * c.light)
        c.paint(c.cover(pool) * c.amount("oasis"), rgb("3c98b0") * (0.9 + 0.5 * (0.9 - c.y)))
        _palms(c, y - 0.06)
    if "cactus" in c.amounts:
        for number in range(3):
            x, foot = c.draw(f"cactus x{number}", 0.08, 0.92), c.draw(f"cactus y{number}", 0.68, 0.92)
            tall = (foot - horizon + 0.1) * c.draw(f"cactus {number}", 0.6, 0.85)
            w = tall * 0.085
            shape = c.bar(x - w, x + w, foot - tall, foot)
            for side, level in ((-1, 0.42), (1, 0.55)):
                arm, elbow = x + side * 3.4 * w, foot - level * tall
                shape = np.maximum(shape, c.bar(arm - 0.8 * w, arm + 0.8 * w, elbow - 0.3 * tall, elbow))
                shape = np.maximum(shape, c.bar(np.minimum(x, arm), np.maximum(x, arm), elbow - w, elbow + 0.5 * w))
            shade = 0.8 + 0.6 * np.clip((c.x - x) / (8 * w), -0.5, 0.5)
            c.paint(c.cover(shape) * c.amount("cactus"), rgb("3c7c44") * c.light * shade)
    c.haze("fog", 0.72 - 0.5 * c.y + 0.35 * c.noise("dust", 4, 2))


def _hills(c: Canvas) -> None:
    horizon = c.draw("horizon", 0.32, 0.52)
    c.sky(horizon)
    grass, trees = c.fractal("grass", 10, 8, 3) - 0.5, c.noise("trees", 26, 30)
    woods = 0.6 * c.noise("woods", 4, 4) + 0.4 * trees
    for layer in range(4):
        t = np.float32(layer / 3)
        line = c.ridge(f"hill {layer}", 2, octaves=2)
        top = horizon + (0.82 - horizon) * t - 0.26 * (line - 0.5)
        fall = np.clip((c.y - top) * 3.5, 0, 1)
        colour = (c.far + (c.near - c.far) * t) * (1.1 - 0.3 * fall) * (1 + 0.22 * grass)
        if "fields" in c.amounts:
            tone, hue = (c.noise(f"{part} {layer}", 11, 5, order=0) for part in ("fields", "crops"))
            furrows = 0.9 + 0.2 * zigzag((c.x * (tone - 0.5) + c.y) * 16)
            patch = colour * furrows * (0.7 + 0.5 * tone) * (rgb("e0e0b0") + hue * rgb("60302c"))
            colour = colour + (patch - colour) * c.amount("fields")
        if "woods" in c.amounts:
            level = 0.66 - 0.22 * c.amount("woods")
            grove = ramp(woods, level, level + 0.06) * np.minimum(c.amount("woods") * 2, 1)
            colour = colour + (colour * (0.3 + 0.55 * trees) - colour) * grove
        c.paint(c.cover(c.y - top), colour)
        c.haze("fog", (0.65 - 0.55 * t) * (1 - 0.5 * c.y))


def _mountains(c: Canvas) -> None:
    foot = c.draw("foot", 0.68, 0.8)
    c.sky(foot)
    for layer in range(2):
        t = np.float32(layer)
        peaks = c.ridge(f"peaks {layer}", 3 + layer, order=1, octaves=4)
        top = foot - (0.62 - 0.3 * t) * (0.25 + peaks) + c.draw("low", 0.02, 0.16) - 0.04 * t
        # Facets: broken noise, compared with itself a little to the side, as lit and shaded faces.
        rough = c.noise(f"face {layer}", 5, 7, order=1) + 0.5 * c.noise(f"crag {layer}", 12, 16, order=1)
        lower = c.noise(f"face {layer}", 5, 7, order=1, shift=0.04)
        lit = np.clip((rough - lower - 0.25) * 0.9, -0.4, 0.4)
        rock = (c.far + (c.near - c.far) * (0.25 + 0.6 * t)) * (1 + lit)
        snowline = foot - (0.62 - 0.3 * t) * (1.1 - 0.75 * c.amount("snow")) + 0.2 * (rough - 0.75)
        snow = c.cover((snowline - c.y) * 0.4) * np.minimum(c.amount("snow") * 5, 1)
        white = (rgb("f6faff") * (0.35 + 0.65 * c.light)) * (0.9 + 0.45 * lit)
        c.paint(c.cover(c.y - top), rock + (white - rock) * snow)
        c.haze("fog", 0.6 - 0.3 * t)
    line = foot + 0.07 * (c.ridge("valley", 3, octaves=2) - 0.5)
    turf = c.fractal("turf", 9, 8, 3)
    c.paint(c.cover(c.y - line), c.near * (0.75 + 0.5 * turf) * rgb("d8f0c8"))
    if "lake" in c.amounts:
        _mirror(c, foot + 0.03, c.amount("lake"))
    if "woods" in c.amounts:
        for row in range(3):
            tips = foot + 0.12 * row - 0.02 - 0.16 * c.ridge(f"firs {row}", 18 - 4 * row, order=1)
            tone = rgb("2c5434") * c.light * ((0.5 + 0.8 * turf) * (0.9 - 0.12 * row))
            c.paint(c.cover(c.y - tips) * c.amount("woods"), tone)


def _mirror(c: Canvas, level: np.ndarray, shown: np.ndarray) -> None:
    """Still water below `level`, reflecting what is above it."""
    row = np.clip((2 * level - c.y) * c.size, 0, c.size - 1).astype(np.int64)
    picture = np.take_along_axis(c.image, np.broadcast_to(row, (len(c.image), 1, c.size, 1)), axis=2)
    ripple = 0.86 + 0.25 * (c.ground_noise("lake", level, 24, 3) - 0.5)
    c.paint(c.cover(c.y - level) * shown, picture * ripple * rgb("d8e8f4"))
    c.paint(c.cover(0.008 - np.abs(c.y - level)) * shown * 0.5, c.skyline)


def _forest(c: Canvas) -> None:
    floor = c.draw("floor", 0.66, 0.82)
    leaves = c.fractal("leaves", 7, 7, 4)
    glow = c.skyline * 0.75 + 0.25 * c.far
    gap = np.clip(1.25 - 2.2 * np.abs(c.y - floor + 0.22), 0, 1)
    c.image[:] = c.far * (0.35 + 0.8 * leaves) + (glow - c.far * 0.6) * gap * 0.75
    bark = c.noise("bark", 16, 30)
    rings = 1 - 0.75 * c.amount("birch") * ramp(c.noise("rings", 26, 9), 0.62, 0.75)
    for layer in range(3):
        t = np.float32(layer / 2)
        if layer == 1:
            c.haze("fog", 0.65)
        base, count = floor + 0.02 + 0.12 * t, 5 - layer
        places = c.random(f"trunks {layer}", 3, count)[..., None, None]
        colour = (c.near * (0.55 + 0.45 * t) + glow * 0.35 * (1 - t)) * ((0.6 + 0.7 * bark) * rings)
        for trunk in range(count):
            x, width, lean = (places[:, :, part, trunk] for part in range(3))
            x, width = (trunk + 0.1 + 0.8 * x) / count, (0.012 + 0.012 * width) * (1 + 1.9 * t)
            offset = c.x - x - (0.16 * lean - 0.08) * (base - c.y)
            flare = width * (1 + 0.6 * ramp(c.y, base - 0.12, base))
            mask = c.cover(np.minimum(flare - np.abs(offset), base - c.y))
            c.paint(mask, colour * (0.95 - 0.4 * np.clip(offset / width, -1, 1)))
    litter = c.fractal("litter", 14, 9, 3)
    c.paint(c.cover(c.y - floor - 0.05 * (leaves - 0.5)) * 0.88, (0.55 * c.far + 0.25 * c.near) * (0.45 + litter))
    crown = ramp(leaves - 0.35 + c.amount("canopy") * 0.75 - c.y * 0.95, 0.12, 0.3)
    c.paint(crown * 0.95, c.far * (0.35 + 1.1 * c.fractal("foliage", 11, 11, 3)))
    if "rays" in c.amounts:
        angle = c.draw("ray angle", -0.6, 0.6)
        beams = ramp(zigzag((c.x + angle * c.y) * c.draw("rays", 2.5, 4) + c.draw("phase")), 0.55, 1)
        c.paint(beams * c.amount("rays") * 0.5 * (1.05 - 0.6 * c.y), rgb("fff2b8"))
    c.haze("fog", 0.25)


def _meadow(c: Canvas) -> None:
    horizon = c.draw("horizon", 0.3, 0.46)
    c.sky(horizon)
    trees = horizon - 0.09 * (c.ridge("trees", 9, octaves=2) - 0.35)
    c.paint(c.cover(c.y - trees), (0.5 * c.near * rgb("90a890") + 0.22 * c.skyline))
    depth = np.clip((c.y - horizon) / (1 - horizon), 0, 1)
    blades = c.noise("blades", 7, 36) * 0.6 + c.ground_noise("tufts", horizon, 12, 9) * 0.4
    pale = c.near * 0.8 + 0.2 * c.skyline
    grass = (pale + (c.near - pale) * depth) * (1 + 0.7 * (blades - 0.5)) * (1.1 - 0.3 * depth)
    c.paint(c.cover(c.y - horizon), grass)
    lines = zigzag((c.x - 0.5) / (0.15 + depth) * c.draw("rows", 2.5, 4) + 0.5) - 0.55
    level = 0.74 - 0.12 * c.amount("flowers") - 0.4 * c.amount("rows") * lines
    for field, (cells, low, high) in enumerate(((48, 0, 0.3), (34, 0.2, 0.6), (22, 0.5, 2))):
        blossoms = c.ground_noise(f"flowers {field}", horizon, cells, cells)
        band = c.cover(c.y - horizon) * ramp(depth, low - 0.1, low + 0.1) * (1 - ramp(depth, high, high + 0.2))
        mask = ramp(blossoms, level, level + 0.12) * band * np.minimum(c.amount("flowers") * 2, 1)
        c.paint(mask, c.far * (0.72 + 0.4 * blossoms))
    c.haze("fog", 0.9 - 0.9 * depth)


def _city(c: Canvas) -> None:
    street = c.draw("street", 0.82, 0.92)
    c.sky(street)
    for layer in range(3):
        t = np.float32(layer / 2)
        count = 9 - 2 * layer
        heights, tones = (c.ridge(f"{part} {layer}", count, order=0) for part in ("heights", "tones"))
        # The same shift of all towers of a layer: their edges then differ from picture to picture.
        top = street - (0.78 - 0.26 * t) * (0.3 + 0.7 * heights) + 0.08
        wall = c.far + (c.near - c.far) * t
        wall = wall * (0.72 + 0.5 * tones) + (c.skyline - wall) * (0.35 - 0.35 * t)
        mask = c.cover(c.y - top)
        c.paint(mask, wall)
        across, down = count * 3.0, 22 - 5 * layer
        grid = ramp(zigzag(c.x * across), 0.3, 0.6) * ramp(zigzag((c.y - top) * down + 0.1), 0.35, 0.65)
        inside = mask * grid * c.cover(c.y - top - 0.03) * (0.35 + 0.6 * t)
        c.paint(inside * 0.75, wall * 0.45 + 0.18 * c.zenith)
        if "lit" in c.amounts:
            on = c.noise(f"lit {layer}", 24 - 6 * layer, count * 3, order=0) < c.amount("lit") * 0.6
            c.paint(inside * on * np.minimum(c.amount("lit") * 1.6, 1), rgb("ffdc84"))
        if "roofs" in c.amounts:
            c.paint(c.cover(np.minimum(c.y - top, top + 0.03 - c.y)) * c.amount("roofs"), rgb("f8fcff"))
        c.haze("fog", 0.5 - 0.35 * t)
    ground = (0.45 + 0.25 * c.amount("roofs") * 2) * c.light * rgb("8c8c90")
    c.paint(c.cover(c.y - street), ground * (0.8 + 0.4 * c.fractal("street", 12, 6, 2)))
    if "lake" in c.amounts:
        _mirror(c, street - 0.14, c.amount("lake"))


def _night(c: Canvas) -> None:
    horizon = c.draw("horizon", 0.68, 0.86)
    sun_x, _ = c.sky(horizon)
    if "galaxy" in c.amounts:
        band = c.y - 0.4 - c.draw("tilt", -1.2, 1.2) * (c.x - c.draw("galaxy", 0.3, 0.7))
        glow = np.clip(1 - np.abs(band) / 0.26, 0, 1) * (0.25 + 0.9 * c.fractal("dust", 6, 6, 4))
        c.paint(np.clip(glow * glow * c.amount("galaxy") * 0.95, 0, 0.9), rgb("d0c4ec"))
        c.image += c.stars("faint stars", 58) * glow * c.amount("galaxy")
    if "aurora" in c.amounts:
        for number, colour in enumerate(("3cf08c", "5cc8e8", "b060e0")):
            line = 0.62 - 0.14 * number - 0.4 * (c.ridge(f"curtain {number}", 3, octaves=2) - 0.5)
            above = np.clip((line - c.y) / 0.42, 0, 1)
            rays = 0.45 + 0.8 * c.ridge(f"rays {number}", 22)
            veil = c.cover((line - c.y) * 0.2) * (1 - above) * rays
            c.paint(np.clip(veil * c.amount("aurora") * (0.7 - 0.12 * number), 0, 1), rgb(colour))
    land = horizon - 0.16 * (c.ridge("land", 3, octaves=3) - 0.5)
    slope = np.clip((c.y - land) * 4, 0, 1)
    c.paint(c.cover(c.y - land), (c.far + (c.near - c.far) * slope) * (0.8 + 0.4 * c.fractal("soil", 8, 6, 3)))
    if "lake" in c.amounts:
        _water(c, horizon, c.cover(c.y - horizon) * c.amount("lake"), sun_x, c.near)
    if "pines" in c.amounts:
        for row in range(2):
            tips = horizon + 0.06 + 0.1 * row - 0.42 * c.ridge(f"pines {row}", 15 - 5 * row, order=1, octaves=2)
            c.paint(c.cover(c.y - tips) * c.amount("pines"), c.near * (1 - 0.4 * row))
    if "village" in c.amounts:
        for number in range(6):
            x, y = c.draw(f"house {number}", 0.05, 0.95), horizon + c.draw(f"row {number}", 0.02, 0.16)
            w, shown = 0.035 + 0.25 * (y - horizon), c.amount("village")
            c.paint(c.cover(c.bar(x - w, x + w, y - w, y + 0.6 * w)) * shown, rgb("2c2434"))
            c.paint(c.cover(c.wedge(x, y - 2 * w, y - w, 2.6 * w)) * shown, rgb("4c3440"))
            c.paint(c.cover(c.bar(x - 0.5 * w, x + 0.5 * w, y - 0.55 * w, y + 0.2 * w)) * shown, rgb("ffc85c"))


PAINTERS = (_sky, _sea, _beach, _desert, _hills, _mountains, _forest, _meadow, _city, _night)

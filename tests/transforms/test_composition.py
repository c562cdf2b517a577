import pytest
import torch

from invariance import sampling, transforms
from invariance.errors import InputError
from invariance.protocol import CORRECTED, PUBLISHED, find
from invariance.transforms import TRANSFORMATIONS, Transformation, geometric

SIZE = 32
ALL = tuple(TRANSFORMATIONS)


def some(n=12, channels=4, seed=0):
    keys = sampling.keys(sampling.stream(seed, "images"), torch.arange(n))
    boxes = torch.tensor([[5, 5, 22, 22]]).repeat(n, 1)
    return sampling.uniform(keys, channels, SIZE, SIZE), keys, boxes


def run(names, images, keys, boxes=None, **options):
    return transforms.apply(names, images, transforms.draw(names, keys, SIZE), boxes, **options)


def test_the_papers_18_in_three_categories_of_six():
    assert [len(transforms.PAPER[c]) for c in transforms.CATEGORIES] == [6, 6, 6]


def test_inverting_twice_gives_the_image_back():
    images, _, _ = some()
    invert = TRANSFORMATIONS["invert"].apply
    torch.testing.assert_close(invert(invert(images, {}), {}), images, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", ALL)
def test_whole_images_work_and_switches_switch(name):
    images, keys, _ = some(400, channels=3)
    out = run([name], images, keys)
    assert out.shape == images.shape
    changed = (out != images).flatten(1).any(1).float().mean()
    expected = TRANSFORMATIONS[name].probability
    assert abs(changed - expected) < 0.1, f"{changed:.2f} of the images changed, expected {expected}"


def test_parameters_are_drawn_from_their_documented_ranges():
    keys = sampling.keys(1, torch.arange(4000))
    for t in TRANSFORMATIONS.values():
        drawn = t.draw(keys, SIZE)
        for parameter, limits in t.ranges.items():
            values = drawn[parameter].float()
            span = limits.high - limits.low
            assert values.min() >= limits.low, t.name
            assert values.max() <= limits.high, t.name
            assert values.min() < limits.low + 0.02 * span, t.name
            assert values.max() > limits.high - 0.02 * span, t.name


def test_order_matters_and_draws_do_not_depend_on_the_company():
    images, keys, boxes = some()
    assert not torch.equal(run(["rotate", "shear"], images, keys, boxes), run(["shear", "rotate"], images, keys, boxes))
    alone = transforms.draw(["shear"], keys, SIZE)[0]["angles"]
    assert torch.equal(transforms.draw(["rotate", "shear"], keys, SIZE)[1]["angles"], alone)


def solid(box):
    image = torch.zeros(1, 4, SIZE, SIZE)
    x, y, w, h = box
    image[:, :, y : y + h, x : x + w] = 1
    return image


def bounds(image):
    ys, xs = (image[0, 3] > 0.5).nonzero().T
    return [xs.min().item(), ys.min().item(), (xs.max() - xs.min() + 1).item(), (ys.max() - ys.min() + 1).item()]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("scale", {"factor": torch.tensor([0.5])}),
        ("translate", {"place": torch.tensor([[0.2, 0.9]])}),
        ("h_flip", {}),
        ("v_flip", {}),
        ("rotate", {"angle": torch.tensor([90.0])}),
        ("shear", {"angles": torch.tensor([[20.0, 0.0]])}),
    ],
)
def test_the_box_follows_the_object(name, parameters):
    box = [4, 10, 12, 8]
    boxes = torch.tensor([box])
    t = TRANSFORMATIONS[name]
    moved = t.move_box(boxes, parameters, SIZE)[0].tolist()
    seen = bounds(t.apply(solid(box), {**parameters, "box": boxes}))
    assert all(abs(a - b) <= 1 for a, b in zip(moved, seen, strict=True)), (moved, seen)


def test_scale_then_translate_keeps_the_object_whole_and_the_published_box_is_off():
    image, boxes = solid([5, 5, 22, 22]), torch.tensor([[5, 5, 22, 22]])

    def result(place, protocol=CORRECTED):
        drawn = [{"factor": torch.tensor([0.4])}, {"place": torch.full((1, 2), place)}]
        return transforms.apply(["scale", "translate"], image, drawn, boxes, protocol)

    stays = find("corrected+boxes_stay")
    whole = (22 * 13 / 32) ** 2  # the canvas of 32 shrinks to 13
    for place in (0.0, 0.9999):
        assert abs(result(place)[0, 3].sum() - whole) < 3
    assert result(0.0, stays)[0, 3].sum() < 0.6 * whole  # cut off at the left and top
    assert bounds(result(0.9999, stays))[0] < bounds(result(0.9999))[0]  # short of the right


def test_published_noise_wraps_around():
    images, keys, boxes = some(200)
    protocols = CORRECTED, find("corrected+noise_wraps")
    fixed, published = (run(["noise"], images, keys, boxes, protocol=protocol) for protocol in protocols)
    on = transforms.draw(["noise"], keys, SIZE)[0]["on"]
    assert torch.equal(fixed[~on], published[~on])
    darker = (published[on][:, :3] < images[on][:, :3] - 0.01).float().mean()
    assert darker > 0.1  # saturating noise never darkens a pixel
    assert (fixed[:, :3] >= images[:, :3]).all()


def test_a_19th_transformation_needs_one_draw_and_one_apply(monkeypatch):
    def draw(keys, size):
        return {"column": sampling.integers(keys, size)}

    def apply(images, parameters):
        columns = torch.arange(images.shape[-1]) == parameters["column"][:, None]
        return images.masked_fill(columns[:, None, None], 0)

    monkeypatch.setitem(TRANSFORMATIONS, "stripe", Transformation("stripe", "corruption", draw, apply))
    images, keys, boxes = some()
    assert (run(["rotate", "stripe"], images, keys, boxes)[:, 3].sum(1) == 0).any(1).all()


def test_bad_input_is_named():
    images, keys, boxes = some()
    with pytest.raises(InputError, match=r"Unknown transformation 'rotat'.*Did you mean 'rotate'.*Known: scale"):
        transforms.draw(["rotat"], keys, SIZE)
    with pytest.raises(InputError, match="listed twice"):
        transforms.find(["hue", "hue"])
    with pytest.raises(InputError, match=r"write \['hue'\]"):
        transforms.find("hue")
    with pytest.raises(InputError, match="canvas of 16 pixels is too small for 'elastic', which needs at least 21"):
        transforms.apply(["elastic"], images[..., :16, :16], [{}], boxes)
    with pytest.raises(InputError, match="Unknown category"):
        transforms.names_of("colour")
    for wrong in ([1, 2], keys.float(), keys[None]):
        with pytest.raises(InputError, match=r"keys must be an int64 tensor \(B,\), such as"):
            transforms.draw(["hue"], wrong, SIZE)
    for wrong in (images.tolist(), images[0], (255 * images).byte()):
        with pytest.raises(InputError, match="images must be a float tensor"):
            transforms.apply(["hue"], wrong, transforms.draw(["hue"], keys, SIZE))


def test_every_minimal_size_is_enough():
    for t in TRANSFORMATIONS.values():
        keys = sampling.keys(0, torch.arange(3))
        out = t.apply(torch.rand(3, 4, t.min_size, t.min_size), {**t.draw(keys, t.min_size)})
        assert out.shape[-1] == t.min_size
        assert torch.isfinite(out).all()


def test_scale_takes_the_nearest_whole_side_at_any_size():
    assert geometric.scaled_side(torch.tensor([0.7]), 10).item() == 7
    assert geometric.scaled_side(torch.tensor([0.4, 0.55, 0.7, 0.99, 1.0]), 32).tolist() == [13, 18, 22, 32, 32]
    assert geometric.scaled_side(torch.tensor([0.01]), 32).item() == 1


def test_a_protocol_changes_nothing_that_it_has_no_flag_for():
    images, keys, boxes = some(40)
    for name in ALL:
        plain, flagged = (
            run([name, "translate"] if name != "translate" else [name], images, keys, boxes, protocol=protocol)
            for protocol in (CORRECTED, find(["shifts_right_and_down", "shared_draws", "repeated_draws"]))
        )
        assert torch.equal(plain, flagged), name


def test_published_images_have_whole_levels():
    images, keys, boxes = some(40)
    out = run(["hue", "blur", "rotate"], images, keys, boxes, protocol=PUBLISHED)
    torch.testing.assert_close(out * 255, (out * 255).round(), rtol=0, atol=1e-4)
    between = run(["hue", "blur", "rotate"], images, keys, boxes, protocol=find("published-eight_bits"))
    assert (between * 255 - (between * 255).round()).abs().max() > 0.4

"""Graphs for the page: the library's functions, the same from every process; what cannot be exported says why."""

import pytest
import torch
from torch import nn

from invariance.live import graphs
from invariance.live.lowering import NotExportable, lower
from invariance.transforms import PAPER_NAMES


@pytest.fixture(scope="module")
def files(shared_cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INVARIANCE_CACHE", str(shared_cache))
        return graphs.made()


class Own(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def test_every_transformation_is_exported_and_small(files):
    assert graphs.missing() == {}
    sizes = {name: (files / "graphs" / f"{name}.js").stat().st_size for name in PAPER_NAMES}
    assert sum(sizes.values()) < 300_000
    assert all(path.stat().st_size < 450_000 for path in (files / "networks").glob("*.js"))


def test_another_process_gives_the_same_bytes(files):
    for name in ("hue", "rotate"):
        both = {
            "apply": graphs.exported(*graphs._apply(name)),
            "draw": graphs.exported(graphs.Draw(name), graphs._some("key")),
        }
        assert (files / "graphs" / f"{name}.js").read_text() == graphs._script(f"graphs/{name}", graphs.pack(both))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.stack((x[:, 1:].flip(1).cumsum(1), x[:, :-1]), 1).amax(1),
        lambda x: x.t().contiguous().view(2, -1)[:, ::2] * 2,
        lambda x: x.new_empty(2, 3).copy_(x[0]).add_(x.sum()),
        lambda x: torch.cat(x.split(2, 1)[::-1], 1) - x.long() // 2,
    ],
)
def test_a_lowered_graph_gives_what_the_function_gives(function):
    examples = [torch.randn(4, 3, generator=torch.Generator().manual_seed(k)) * 5 for k in range(3)]
    graph = lower(Own(function), {"x": examples[0]})
    for x in examples:
        assert torch.equal(graph.run([x])[0], function(x))


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (lambda x: x * 2 if x.sum() > 0 else x, "torch.export"),
        (torch.erf, "no operator erf"),
        (lambda x: x.bfloat16() + 1, "no torch.bfloat16"),
        (lambda x: x + torch.rand(3), "differs from torch|no operator"),
    ],
)
def test_what_a_page_cannot_run_is_refused_with_the_reason(function, why):
    examples = [{"x": torch.full((2, 3), value)} for value in (0.3, -0.7)]
    with pytest.raises(NotExportable, match=why):
        graphs.exported(Own(function), examples)


def test_the_script_and_its_interpreter_stay_short_enough_to_be_read():
    assert sum(len((graphs.STATIC / name).read_text("utf-8").splitlines()) for name in ("aten.js", "live.js")) < 900

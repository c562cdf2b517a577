import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from invariance import models


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "photos"
    folder.mkdir()
    for k in range(12):
        tile = rng.integers(0, 256, (4, 4, 3)).astype(np.uint8)
        Image.fromarray(tile).resize((40 + 3 * k, 80 - 2 * k), Image.Resampling.BICUBIC).save(folder / f"{k}.png")
    return folder


@pytest.fixture(scope="module")
def small():
    return models.build("small", 3, 0).backbone


@pytest.fixture
def user_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "import torch\nfrom torch import nn\nimport neighbour\n\n"
        "def load():\n    return nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 8))\n\n"
        "def trained():\n    model = load()\n"
        "    model.load_state_dict(torch.load(neighbour.PATH))\n    return model\n\n"
        "def number():\n    return 3\n\ndef leave():\n    raise SystemExit(3)\n"
    )
    (tmp_path / "neighbour.py").write_text(f"PATH = {str(tmp_path / 'mine.pt')!r}\n")
    torch.save(nn.Sequential(nn.Identity(), nn.Identity(), nn.Linear(48, 8)).state_dict(), tmp_path / "mine.pt")
    return path

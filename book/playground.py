# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Playground
#
# The book's explorers, with the library behind them: any transformation, picture or network of your own. Run a cell, move
# what appears below it, then change the cell. Nothing here is part of the book's results.
#
# On a machine without the library, in Colab for example, install it first from a clone of the repository: `pip install ".[book]"`.

# %%
import torch
from torch import nn

from invariance import live, sampling
from invariance.transforms import TRANSFORMATIONS, Range, Transformation

# %% [markdown]
# ## Transform an object
#
# Up to three transformations, one after another. *The code* shows the lines that make exactly this image.

# %%
live.notebook("transformations")

# %% [markdown]
# ## How far does a representation move?
#
# Choose a network and a transformation. The distance is 0 where the network does not notice the change, and 1 where it
# moves the representation as far as another image does.

# %%
live.notebook("invariance")

# %% [markdown]
# ## A transformation of your own
#
# `draw` turns random keys into parameters, `apply` turns images and parameters into images. Once it stands in
# `TRANSFORMATIONS`, every explorer offers it; a parameter needs a `Range` to get a slider.


# %%
def draw_shadow(keys, size):
    return {"depth": sampling.uniform(keys, low=0.0, high=0.9)}


def shadow(images, parameters):
    """Darkens the object towards its lower end."""
    down = torch.linspace(0, 1, images.shape[-2], device=images.device)[:, None]
    light = 1 - parameters["depth"][:, None, None, None] * down
    return torch.cat((images[:, :3] * light, images[:, 3:]), dim=1)


TRANSFORMATIONS["shadow"] = Transformation(
    "shadow",
    "photometric",
    draw_shadow,
    shadow,
    {"depth": Range(0.0, 0.9)},
    summary="darkens the lower part",
)
live.notebook("invariance", ["shadow"])

# %% [markdown]
# ## A picture of your own
#
# Give the name of a file, or press *Your own picture*. A picture with a transparent background works best. It becomes an
# object of 32 x 32 pixels, like all others.

# %%
picture = None  # for example "my_cup.png"

live.notebook("transformations", ["rotate"], picture=picture)

# %% [markdown]
# ## A network of your own
#
# Any module from images (B, 3, 32, 32) in [-1, 1] to representations (B, D). This one is untrained and sees nothing but the
# average colour: it does not notice where the object stands, only how much of it there is and in which colour.

# %%
colours = nn.Sequential(nn.AvgPool2d(32), nn.Flatten(), nn.Linear(3, 16))

live.notebook("invariance", ["hue"], models={"mean colour": colours})

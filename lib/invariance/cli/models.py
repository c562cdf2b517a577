"""Commands for networks: those of the explorers, and a reader's own."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from invariance.cli.app import Device, app, words
from invariance.errors import InputError
from invariance.files import check_folder

live = typer.Typer(help="The explorers of the book's pages.", no_args_is_help=True)
app.add_typer(live, name="live")


@live.callback()
def live_group() -> None:
    """The explorers of the book's pages."""


@live.command()
def train(
    names: Annotated[
        list[str] | None, typer.Argument(help="Networks such as plain or rotate; all where left out.")
    ] = None,
    device: Device = "auto",
) -> None:
    """Train the explorers' networks anew, measure them, and put their weights into the package."""
    from invariance.live import networks

    networks.train(names or networks.NAMES, device)


@app.command()
def profile(
    model: Annotated[str, Argument(help="A model of the book, timm:NAME, hf:NAME, or FILE.py:function.")],
    images: Annotated[str, Option(help="glyphs, scenes10, scenes100, cifar10, cifar100, or a folder.")] = "glyphs",
    weights: Annotated[Path | None, Option(help="Trained weights: a .safetensors, .pt or .pth file.")] = None,
    pretrained: Annotated[bool, Option("--pretrained", help="Download the published weights.")] = False,
    layers: Annotated[str, Option(help="Where to measure: names of layers, and output.")] = "output",
    transforms: Annotated[str, Option(help="Only these transformations, such as rotate,hue.")] = "",
    pairs: Annotated[int, Option(help="Pairs of images for each transformation.")] = 500,
    size: Annotated[int | None, Option(help="Side of the images in pixels, else the model's own.")] = None,
    mean: Annotated[str, Option(help="Mean of the images, one or three, else the model's own.")] = "",
    std: Annotated[str, Option(help="Deviation of the images, one or three, else the model's own.")] = "",
    batch_size: Annotated[int, Option(help="Images at once; 0 chooses by their size.", min=0)] = 0,
    device: Device = "auto",
    seed: Annotated[int, Option(help="Chooses images, draws and the untrained copy.")] = 0,
    out: Annotated[Path | None, Option(help="Folder for table and figure, else one in profile/ by its model.")] = None,
) -> None:
    """Measure how sensitive a model is to each transformation: 0 is invariant, 1 as different as two random images.

    For example: invariance profile my_model.py:load --images photos/ --size 224

    After a Ctrl-C the same command goes on where it was.
    """
    from invariance import profiling

    settings = " ".join(
        f"{each}" for each in (size or "", mean, std, seed or "", layers.removeprefix("output")) if each
    )
    check_folder(out := out or profiling.folder_for(model, weights, pretrained, images, settings))
    names, scaling = words(transforms) or None, _scaling(mean, std)
    profiling.check_choices(images, names, pairs, size or 32, device)
    found = replace(profiling.load_backbone(model, weights, pretrained, size, seed), **scaling)
    about = {**vars(found), "layers": words(layers), "batch_size": batch_size or None, "progress": True}
    keep = out / "unfinished.csv"
    try:
        table = profiling.profile_model(
            images=images, transforms=names, pairs=pairs, device=device, seed=seed, keep=keep, **about
        )
    except KeyboardInterrupt:
        typer.echo(f"Stopped; what is measured is in {keep}, and the same command goes on.", err=True)
        raise typer.Exit(130) from None
    for line in profiling.report(table, found):
        typer.echo(line)
    for path in profiling.save(table, out):
        typer.echo(f"wrote {path}")
    keep.unlink(missing_ok=True)


def _scaling(mean: str, std: str) -> dict[str, Any]:
    """What of both is given, as numbers."""
    found = {}
    for option, text in (("mean", mean), ("std", std)):
        try:
            found[option] = [float(word) for word in words(text)]
        except ValueError:
            raise InputError(f"--{option} {text}: give one number, or three such as 0.49,0.48,0.45.") from None
    return {option: numbers for option, numbers in found.items() if numbers}

"""A Sphinx extension that writes formulas as MathML: browsers set that themselves, without a script."""

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert


def setup(app: Any) -> dict[str, bool]:
    """Offer the renderer to Sphinx, under the name `mathml`."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def as_mathml(tex: str, display: str = "inline") -> str:
    """A formula in MathML; `display` is "inline" or "block"."""
    return convert(tex.strip().replace("{aligned}", "{align*}"), display=display)


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(as_mathml(node.astext()))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(translator.starttag(node, "div", CLASS="math"))
    translator.body.append(as_mathml(node.astext(), "block") + "</div>\n")
    raise nodes.SkipNode

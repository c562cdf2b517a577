"""A page with explorers, as the book has them: beside their files, and with no server."""

import pytest

from invariance import live
from invariance.live import page

FRAME = """<!doctype html><html lang="en" data-theme="{theme}" data-content_root="./"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Explorers</title></head>
<body class="bd-content">{body}</body></html>"""


@pytest.fixture(scope="session")
def write_page(shared_cache, tmp_path_factory):
    """Writes a page with these explorers, by their names, or charts; gives its file."""

    def write(*names, theme="light", transforms=()):
        folder = tmp_path_factory.mktemp("page")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("INVARIANCE_CACHE", str(shared_cache))
            made = (live.explorer(name, transforms) if isinstance(name, str) else name for name in names)
            body = "\n".join(each.data for each in made)
            (folder / "page.ipynb").write_text(body)
            page.write_assets([folder / "page.ipynb"], folder / "_static" / "live")
        (folder / "page.html").write_text(FRAME.format(theme=theme, body=body))
        return folder / "page.html"

    return write

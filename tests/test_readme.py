"""The README's Python runs as it stands there."""

import re
from pathlib import Path


def test_the_python_of_the_readme_runs():
    text = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(blocks) == 2
    given = {}
    exec(compile("\n".join(blocks).replace("10_000", "1_000"), "README.md", "exec"), given)
    assert len(given["objects"]) == 50_000 and given["x"].shape == given["x_prime"].shape == (500, 96)

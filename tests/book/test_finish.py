"""What is done to pages once they are rendered, piece by piece."""

import re
import subprocess
from types import SimpleNamespace

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup

from invariance import phones, plots
from invariance.book import execution, mathml, overview, polish, repository, styles, terms
from invariance.errors import InputError


@plots.detached
def two_panels():
    figure, axes = plt.subplots(1, 2, figsize=(plots.WIDTH, 3), sharey=True, layout="constrained")
    for axis, name in zip(axes, ("a panel with a rather long title", "another"), strict=True):
        axis.plot([0, 1], [0, 1], label="a legend entry that is long")
        axis.set(title=name, xticks=[0, 0.1, 1], xticklabels=["a long name", "another one", "end"])
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return figure


def test_a_figure_is_drawn_again_for_phones_with_panels_below_each_other():
    wide, phone = two_panels(), two_panels().for_phones()
    assert wide.get_figwidth() == plots.WIDTH and phone.get_figwidth() == phones.PHONE
    phone.draw_without_rendering()
    upper, lower = (axis.get_position() for axis in phone.axes)
    assert upper.y0 > lower.y1 and abs(upper.x0 - lower.x0) < 0.01
    assert "\n" in phone.axes[0].get_title() or phone.axes[0].title.get_window_extent().width < phone.bbox.width
    assert phone.axes[0].get_xticklabels()[0].get_rotation() == 90
    assert not phones.on_phone()


def test_headlines_take_few_lines_of_about_one_length_and_stand_above_the_legend():
    assert phones.in_lines("one two three four", 13) == "one two\nthree four" and phones.in_lines("one", 3) == "one"
    figure = two_panels()
    plots.headline(figure, "ten words " * 12)
    (legend,) = figure.legends
    assert legend.get_title().get_text().count("\n") == 1 and not figure.texts
    legend.remove()
    plots.headline(figure, "a finding")
    assert [text.get_text() for text in figure.texts] == ["a finding"]


def test_a_figures_variants_for_screens_and_themes_become_files(tmp_path):
    file = tmp_path / "figure.svg"
    file.write_text(phones.as_svg(two_panels()))
    sizes = polish.split(file)
    assert set(sizes) == {"", "-dark", "-phone", "-phone-dark"}
    assert int(sizes[""][0]) > 600 > 380 > int(sizes["-phone"][0])
    texts = {end: (tmp_path / f"figure{end}.svg").read_text() for end in sizes}
    assert all(text.rstrip().endswith("</svg>") and "CDATA" not in text for text in texts.values())
    assert polish.GREYS["-dark"] in texts["-phone-dark"] and plots.GREY not in "".join(texts.values())


def test_formulas_become_mathml_with_aligned_lines():
    assert "<msup><mi>x</mi><mn>2</mn></msup>" in mathml.as_mathml("x^2")
    rows = mathml.as_mathml(r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "block")
    assert rows.count("<mtr>") == 2 and "&</mi>" not in rows


def test_rules_for_classes_that_no_page_has_are_dropped(tmp_path):
    (tmp_path / "_static").mkdir()
    (tmp_path / "page.html").write_text('<p class="kept">')
    sheet = tmp_path / "_static" / "a.css"
    sheet.write_text(
        ".kept, .gone { color: red } p:not(.gone) { margin: 0 } .gone { top: 0 } @media print { .gone { top: 1px } }"
        " @media print { .kept { top: 2px } } @font-face { font-family: x }"
    )
    styles.prune(tmp_path)
    lines = sheet.read_text().split("\n")
    assert [line.split("{")[0].strip() for line in lines] == [".kept", "p:not(.gone)", "@media print", "@font-face", ""]


def test_large_pictures_in_figures_are_packed_and_small_ones_stay_exact():
    for side, kind in ((16, "png"), (200, "webp")):
        pictures = np.random.default_rng(0).integers(0, 256, (1, side, side, 3), np.uint8)
        text = phones.as_svg(plots.picture_grid({"noise": pictures}))
        assert set(re.findall("data:image/(.*?);", text)) == {kind}


def test_numbers_that_no_text_names_are_left_out():
    def glued(name, prefix="application/papermill.record/"):
        about = {"scrapbook": {"name": name, "mime_prefix": prefix}}
        return nbformat.v4.new_output("display_data", {"text/plain": "1"}, metadata=about)

    outputs = [
        glued("a"),
        glued("b"),
        glued("b.value"),
        glued("figure", ""),
        nbformat.v4.new_output("stream", text="x"),
    ]
    cell, prose = nbformat.v4.new_code_cell(outputs=outputs), nbformat.v4.new_markdown_cell("So {glue:text}`b:.2f`.")
    execution._forget_unused(nbformat.v4.new_notebook(cells=[cell, prose]))
    assert cell.outputs == [outputs[1], *outputs[3:]]


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("https://github.com/owner/name.git", "https://github.com/owner/name"),
        ("git@github.com:owner/name.git", "https://github.com/owner/name"),
        ("https://user@gitlab.com/group/sub/name", "https://gitlab.com/group/sub/name"),
        ("/srv/git/name.git", ""),
        ("", ""),
    ],
)
def test_links_come_from_the_remote_of_the_clone(tmp_path, remote, url):
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    if remote:
        subprocess.run(["git", "-C", tmp_path, "remote", "add", "origin", remote], check=True)
    found = repository.find_repository(tmp_path)
    assert found.url == url and found.options().get("repository_url", "") == url
    assert ("launch_buttons" in found.options()) == url.startswith("https://github.com")


def test_a_fork_on_github_gets_its_pages_address_and_its_own_files_to_edit():
    own = repository.Repository("https://github.com/owner/name", "main", "2026-01-02")
    assert own.pages == "https://owner.github.io/name/" and "2026-01-02" in own.note
    page = BeautifulSoup('<a href="https://github.com/owner/name/edit/main/book/03_x.ipynb">edit</a>', "html.parser")
    polish._own_links(page, own)
    assert page.a["href"].endswith("/edit/main/book/03_x.py")


def test_answers_take_their_numbers_from_the_findings():
    assert overview.filled("By {a.value} of {b}.", {"a.value": "0.3", "b": "2"}) == "By 0.3 of 2."
    with pytest.raises(InputError, match=r"names 'c'"):
        overview.filled("{c}", {})


def test_the_first_use_of_a_term_leads_to_the_glossary_and_says_what_it_means():
    text = '<div class="bd-article"><h1>Seeds</h1><p><code>seed</code> Two seeds, one seed; unseeded probes.</p></div>'
    page = BeautifulSoup(text, "html.parser")
    terms.mark_terms(page, {"term-seed": "One repetition.", "term-linear-probe": "A layer."}, "../")
    (link,) = page.select("a.term")
    assert (link.string, link["title"], link["href"]) == ("seeds", "One repetition.", "../book/glossary.html#term-seed")
    assert page.p.get_text() == "seed Two seeds, one seed; unseeded probes."


def test_descriptions_are_whole_sentences_where_they_fit():
    text = "One sentence that is long enough to stand alone. " + "Another one. " * 20
    assert polish._sentences(text).endswith("Another one.") and len(polish._sentences(text)) <= 200
    assert polish._sentences("Short.") == "Short."


def test_large_tables_and_pictures_inside_a_page_become_files(tmp_path):
    data = "QUJD" * 2000
    page = BeautifulSoup(f'<a download="t.csv" href="data:text/csv;base64,{data}">x</a>', "html.parser")
    polish._to_file(page.a, tmp_path, "../")
    assert page.a["href"].startswith("../_downloads/")
    assert (tmp_path / page.a["href"].removeprefix("../")).read_bytes() == b"ABC" * 2000


def test_minutes_and_titles_of_a_chapter_come_from_its_prose(tmp_path):
    cells = [SimpleNamespace(cell_type="markdown", source="# A title\n" + "word " * 450)]
    chapter = overview.Chapter(tmp_path, tmp_path, "03_a")
    vars(chapter)["notebook"] = SimpleNamespace(cells=cells, metadata={})
    assert (chapter.title, chapter.minutes, chapter.number) == ("A title", 3, 3)

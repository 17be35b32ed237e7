import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from minilm import plots
from minilm.plots import fonts


def forget():
    for function in (fonts.families, fonts._characters, fonts._say_which_font_to_install):
        function.cache_clear()


@pytest.fixture
def without_chinese_font(monkeypatch):
    monkeypatch.setattr(fonts, "CHINESE_FONTS", ())
    forget()
    yield
    forget()


@pytest.fixture
def with_chinese_font():
    forget()
    if len(fonts.families()) == 1:
        pytest.skip("no Chinese font is installed")


def chinese_picture():
    ax = plots.attention_map(np.eye(3), "我读书", "我读书")
    ax.figure.canvas.draw()
    return [label.get_text() for label in ax.get_xticklabels()]


def test_chinese_labels_are_drawn_as_they_are(with_chinese_font):
    assert chinese_picture() == ["我", "读", "书"]


def test_without_a_chinese_font_one_warning_says_which_to_install_and_boxes_are_drawn(without_chinese_font):
    with pytest.warns(UserWarning, match="Install Noto Sans SC or WenQuanYi Micro Hei") as caught:
        assert chinese_picture() == ["□", "□", "□"]
        chinese_picture()
    assert len(caught) == 1


def test_matplotlib_would_have_warned_of_each_missing_character(without_chinese_font):
    ax = plots.attention_map(np.eye(1), ["a"], ["a"])
    ax.set_title("我读书", fontfamily="DejaVu Sans")
    with pytest.warns(UserWarning, match="Glyph") as caught:
        ax.figure.canvas.draw()
    assert len({str(warning.message) for warning in caught}) == 3


def test_titles_set_later_may_be_chinese(with_chinese_font):
    ax = plots.attention_map(np.eye(1), ["a"], ["a"])
    ax.set(title="注意力", xlabel="键", ylabel="查询")
    ax.figure.canvas.draw()


def test_fonts_installed_after_matplotlib_listed_them_are_found(monkeypatch):
    from matplotlib.font_manager import fontManager

    listed = [font for font in fontManager.ttflist if font.name != "DejaVu Sans Mono"]
    monkeypatch.setattr(fontManager, "ttflist", listed)
    monkeypatch.setattr(fonts, "CHINESE_FONTS", ("DejaVu Sans Mono",))
    mono = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono.ttf"
    monkeypatch.setattr("matplotlib.font_manager.findSystemFonts", lambda: [str(mono), __file__])
    forget()
    assert fonts.families() == ("DejaVu Sans", "DejaVu Sans Mono")
    forget()


@pytest.mark.parametrize(
    "token, seen", [(" the", "␣the"), ("\n", "↵"), ("\t", "⇥"), ("", "∅"), ("a", "a"), ("\x07", "□"), ("$x$", "$x$")]
)
def test_tokens_are_made_visible(token, seen):
    assert fonts.visible(token) == seen


def test_dollar_signs_are_no_formula():
    ax = plots.attention_map(np.eye(1), ["$_$"], ["a"])
    ax.figure.canvas.draw()
    assert ax.get_yticklabels()[0].get_text() == "$_$"


def test_chinese_characters_are_two_columns_wide():
    assert fonts.columns("我a书") == 5


def test_drawing_changes_no_setting_of_matplotlib():
    before = dict(matplotlib.rcParams)
    ax = plots.embedding_scatter(np.eye(3), "abc")
    ax.figure.canvas.draw()
    assert dict(matplotlib.rcParams) == before


def test_a_picture_without_missing_characters_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.attention_map(np.eye(2), ["\n", " a"], ["\ufffd", "<eos>"]).figure.canvas.draw()


def test_importing_plots_does_not_import_matplotlib():
    code = "import sys, minilm.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

import pickle
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from minilm import packages, plots
from minilm.plots import fonts

MONO = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono.ttf"
FETCH = packages.fetch  # the real one: conftest.py takes it away


def forget():
    for function in (fonts.families, fonts._characters, fonts.provide_chinese_font):
        function.cache_clear()


@pytest.fixture
def without_chinese_font(monkeypatch, tmp_path):
    """A machine on which only matplotlib's own fonts are installed, and nothing was fetched before."""
    from matplotlib.font_manager import fontManager

    own = [font for font in fontManager.ttflist if font.name not in fonts.CHINESE_FONTS]
    monkeypatch.setattr(fontManager, "ttflist", own)
    monkeypatch.setattr("matplotlib.font_manager.findSystemFonts", list)
    monkeypatch.setenv("MINILM_CACHE", str(tmp_path))
    forget()
    yield
    forget()


@pytest.fixture
def with_chinese_font():
    forget()
    if len(fonts.families()) == 1:
        pytest.skip("no Chinese font is installed")


@pytest.fixture
def package(monkeypatch, tmp_path):
    """A package index with a font in a wheel: DejaVu under another name, told to be Chinese."""
    from matplotlib.font_manager import fontManager

    archive = tmp_path / "fonts" / fonts.FETCHED.archive
    fetched = []

    def fetch(what, name, folder):
        fetched.append((what, name, folder))
        with zipfile.ZipFile(archive, "w") as wheel:
            wheel.write(MONO, "package/" + fonts.FONT_FILE)
        return archive

    monkeypatch.setattr("minilm.packages.fetch", fetch)
    monkeypatch.setattr(fonts, "CHINESE_FONTS", ("DejaVu Sans Mono",))
    others = [font for font in fontManager.ttflist if font.name != "DejaVu Sans Mono"]
    monkeypatch.setattr(fontManager, "ttflist", others)
    return fetched


def chinese_picture():
    ax = plots.attention_map(np.eye(3), "我读书", "我读书")
    ax.figure.canvas.draw()
    return [label.get_text() for label in ax.get_xticklabels()]


def test_chinese_labels_are_drawn_as_they_are(with_chinese_font):
    assert chinese_picture() == ["我", "读", "书"]


def test_without_any_font_one_line_says_so_and_labels_are_numbers_that_differ(without_chinese_font, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert chinese_picture() == [r"\u6211", r"\u8bfb", r"\u4e66"]
        assert fonts.visible("。（🐈") == r"\u3002\uff08□"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(r"No font here has Chinese characters: labels show their numbers instead, such as \u8bfb.")
    assert "Install Noto Sans SC or WenQuanYi Micro Hei" in line
    assert line.endswith("(no network in tests)")


def test_a_font_is_fetched_once_when_chinese_is_first_drawn(without_chinese_font, package, tmp_path):
    plots.attention_map(np.eye(2), ["I", "\n"], ["I", "\x07"])
    assert fonts.families() == ("DejaVu Sans",)
    assert package == []
    plots.attention_map(np.eye(2), ["我", "b"], ["a", "b"])
    assert fonts.families() == ("DejaVu Sans", "DejaVu Sans Mono")
    chinese_picture()
    assert package == [(fonts.FETCHED, "a font with Chinese characters, Noto Sans SC", tmp_path / "fonts")]
    assert (tmp_path / "fonts" / fonts.FONT_FILE).stat().st_size > 100_000


def test_a_font_that_was_fetched_before_is_used_from_the_first_picture_on(without_chinese_font, package, tmp_path):
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / fonts.FETCHED.archive).touch()
    plots.attention_map(np.eye(2), "ab", "ab")
    assert fonts.families() == ("DejaVu Sans", "DejaVu Sans Mono")


def test_a_damaged_font_file_is_unpacked_again(without_chinese_font, package, tmp_path):
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / fonts.FONT_FILE).write_bytes(b"half a font")
    fonts.provide_chinese_font()
    assert len(fonts.families()) == 2
    assert (tmp_path / "fonts" / fonts.FONT_FILE).stat().st_size > 100_000


def test_where_a_font_is_installed_none_is_fetched(with_chinese_font, monkeypatch):
    monkeypatch.setattr("minilm.packages.fetch", lambda *_: pytest.fail("it was fetched"))
    fonts.provide_chinese_font()
    chinese_picture()


@pytest.mark.network
def test_the_package_holds_a_font_that_draws_chinese(without_chinese_font, monkeypatch):
    monkeypatch.setattr("minilm.packages.fetch", FETCH)
    assert chinese_picture() == ["我", "读", "书"]
    assert fonts.families() == ("DejaVu Sans", "Noto Sans SC")
    ax = plots.attention_map(np.eye(2), ["喜欢", "龘"], ["«ä»", "书，"])
    ax.set(title="注意力 −1", xlabel="键", ylabel="查询")
    ax.figure.canvas.draw()  # a missing character would be a warning, which is an error here


def test_matplotlib_would_have_warned_of_each_missing_character(without_chinese_font):
    ax = plots.attention_map(np.eye(1), ["a"], ["a"])
    del ax.title.set_text  # plain matplotlib
    ax.set_title("我读书", fontfamily="DejaVu Sans")
    with pytest.warns(UserWarning, match="Glyph") as caught:
        ax.figure.canvas.draw()
    assert len({str(warning.message) for warning in caught}) == 3


def test_titles_set_later_may_be_chinese(with_chinese_font):
    ax = plots.attention_map(np.eye(1), ["a"], ["a"])
    ax.set(title="注意力", xlabel="键", ylabel="查询")
    ax.figure.canvas.draw()


def test_a_title_set_later_fetches_a_font_too(without_chinese_font, package):
    ax = plots.attention_map(np.eye(2), "ab", "ab")
    ax.set_title("attention\nof\none head")
    assert package == []
    ax.set_title("注意力")
    assert ax.title.get_fontfamily() == ["DejaVu Sans", "DejaVu Sans Mono"]
    assert len(package) == 1


def test_without_any_font_titles_are_numbers_too(without_chinese_font, capsys):
    ax = plots.attention_map(np.eye(1), ["a"], ["a"])
    ax.set(title="书 $x^2$\na", xlabel="键")
    ax.figure.canvas.draw()
    assert ax.get_title() == "\\u4e66 $x^2$\na"
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_figure_can_still_be_copied():
    ax = plots.attention_map(np.eye(1), ["a"], ["a"])
    copied = pickle.loads(pickle.dumps(ax.figure)).axes[0]
    copied.set_title("two")
    assert (ax.get_title(), copied.get_title()) == ("", "two")


def test_fonts_installed_after_matplotlib_listed_them_are_found(monkeypatch):
    from matplotlib.font_manager import fontManager

    listed = [font for font in fontManager.ttflist if font.name != "DejaVu Sans Mono"]
    monkeypatch.setattr(fontManager, "ttflist", listed)
    monkeypatch.setattr(fonts, "CHINESE_FONTS", ("DejaVu Sans Mono",))
    monkeypatch.setattr("matplotlib.font_manager.findSystemFonts", lambda: [str(MONO), __file__])
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

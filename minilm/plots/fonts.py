"""Letters for every label: an installed Chinese font if there is one, and if not, boxes and one warning."""

import functools
import unicodedata
import warnings
from contextlib import suppress

# In the order of preference: Linux and everywhere, Windows, macOS.
CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Noto Sans CJK JP",  # before matplotlib 3.11 the name of the whole Noto CJK collection
    "Microsoft YaHei",
    "SimHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti TC",
    "Arial Unicode MS",
)
WHITESPACE = {" ": "␣", "\n": "↵", "\r": "␍", "\t": "⇥", "\u3000": "␣␣"}


def visible(token: str) -> str:
    """A token as it can be seen: its whitespace as signs, and □ for what no font can draw."""
    return drawable("".join(WHITESPACE.get(c, c) for c in token)) or "∅"


def drawable(text: str) -> str:
    """`text` with □ for characters that no font has: matplotlib would draw boxes too, but warn of each every time."""
    missing = {c for c in text if ord(c) not in _characters()}
    if any(unicodedata.name(c, "").startswith("CJK") for c in missing):
        _say_which_font_to_install()
    return "".join("□" if c in missing else c for c in text)


def columns(text: str) -> int:
    """The width of `text` in Latin letters: Chinese characters are two wide."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def lettering(size: float, color: str) -> dict:
    """Keywords for a text of matplotlib: our fonts, and $ is a dollar sign."""
    return {"fontsize": size, "color": color, "fontfamily": list(families()), "parse_math": False}


@functools.cache
def families() -> tuple[str, ...]:
    """Matplotlib's own font, then the first Chinese one that is installed, if any."""
    from matplotlib.font_manager import fontManager

    known = {font.name for font in fontManager.ttflist}
    if known.isdisjoint(CHINESE_FONTS):
        _find_new_fonts(fontManager)
        known = {font.name for font in fontManager.ttflist}
    return ("DejaVu Sans", *[name for name in CHINESE_FONTS if name in known][:1])


def _find_new_fonts(manager) -> None:
    """Matplotlib keeps its list of fonts on disk and never learns of those installed later."""
    from matplotlib.font_manager import findSystemFonts

    listed = {font.fname for font in manager.ttflist}
    for path in sorted(set(findSystemFonts()) - listed):
        with suppress(OSError, RuntimeError):  # not every file with a font's suffix is one
            manager.addfont(path)


@functools.cache
def _characters() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset().union(*(get_font(findfont(name)).get_charmap() for name in families()))


@functools.cache
def _say_which_font_to_install() -> None:
    warnings.warn(
        "no installed font has Chinese characters: labels show □ instead. Install Noto Sans SC or WenQuanYi Micro Hei "
        "(on Debian and Ubuntu: sudo apt install fonts-wqy-microhei) and start Python again.",
        stacklevel=2,
    )

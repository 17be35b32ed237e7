"""Letters for every label: an installed Chinese font if there is one; if not, one is fetched when first needed."""

import functools
import sys
import unicodedata
import zipfile
from contextlib import suppress
from pathlib import Path

from minilm import packages
from minilm.files import cache_folder, replacing

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
FETCHED = packages.Archive(
    package="pylopdf-fonts-zh-cn",
    version="0.1.1",
    archive="pylopdf_fonts_zh_cn-0.1.1-py3-none-any.whl",
    sha256="e2661ef3790cbe0f0f6aa5338b6859b7cd288ee75bc88cd4239c62cd025d4fb3",
    megabytes=17.1,
    licence="SIL Open Font License 1.1",
)
FONT_FILE = "NotoSansSC-Regular.otf"
WHITESPACE = {" ": "␣", "\n": "↵", "\r": "␍", "\t": "⇥", "\u3000": "␣␣"}


def visible(token: str) -> str:
    """A token as it can be seen: its whitespace as signs, and a substitute for what no font can draw."""
    return drawable("".join(WHITESPACE.get(c, c) for c in token)) or "∅"


def drawable(text: str) -> str:
    """`text` with □ for characters that no font has, or their number if they are Chinese and no font is to be had.

    Matplotlib would draw boxes, too, but warn of each every time.
    """
    if any(map(_is_chinese, _missing(text))):
        provide_chinese_font()
    missing = _missing(text)
    return "".join(_substitute(c) if c in missing else c for c in text)


def columns(text: str) -> int:
    """The width of `text` in Latin letters: Chinese characters are two wide."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def lettering(size: float, color: str) -> dict:
    """Keywords for a text of matplotlib: our fonts, and $ is a dollar sign."""
    return {"fontsize": size, "color": color, "fontfamily": list(families()), "parse_math": False}


@functools.cache
def families() -> tuple[str, ...]:
    """Matplotlib's own font, then the first Chinese one that is installed or was fetched, if any."""
    if not _installed() and (cache_folder("fonts") / FETCHED.archive).exists():
        with suppress(OSError):
            _register_fetched_font()
    return ("DejaVu Sans", *_installed()[:1])


@functools.cache
def provide_chinese_font() -> None:
    """Make sure that Chinese can be drawn: fetch a font (17 MB, once) if none is installed, or say how to get one."""
    if len(families()) > 1:
        return
    try:
        _register_fetched_font()
    except OSError as error:
        print(
            r"No font here has Chinese characters: labels show their numbers instead, such as \u8bfb. Install Noto "
            "Sans SC or WenQuanYi Micro Hei (on Debian and Ubuntu: sudo apt install fonts-wqy-microhei) and start "
            f"Python again. ({str(error).splitlines()[0]})",
            file=sys.stderr,
        )
    families.cache_clear()
    _characters.cache_clear()


def _installed() -> list[str]:
    """The Chinese fonts that matplotlib knows, the best first."""
    from matplotlib.font_manager import fontManager

    known = {font.name for font in fontManager.ttflist}
    if known.isdisjoint(CHINESE_FONTS):
        _find_new_fonts(fontManager)
        known = {font.name for font in fontManager.ttflist}
    return [name for name in CHINESE_FONTS if name in known]


def _find_new_fonts(manager) -> None:
    """Matplotlib keeps its list of fonts on disk and never learns of those installed later."""
    from matplotlib.font_manager import findSystemFonts

    listed = {font.fname for font in manager.ttflist}
    for path in sorted(set(findSystemFonts()) - listed):
        with suppress(OSError, RuntimeError):  # not every file with a font's suffix is one
            manager.addfont(path)


def _register_fetched_font() -> None:
    """Tell matplotlib, for as long as this process lives, of the package's font, fetched if it is not there yet."""
    from matplotlib.font_manager import fontManager

    archive = packages.fetch(FETCHED, "a font with Chinese characters, Noto Sans SC", cache_folder("fonts"))
    fontManager.addfont(_unpacked(archive))


def _unpacked(archive: Path) -> Path:
    """The font's file beside its archive, byte for byte what is in it."""
    with zipfile.ZipFile(archive) as wheel:
        content = wheel.read(next(name for name in wheel.namelist() if name.endswith(FONT_FILE)))
    path = archive.parent / FONT_FILE
    if not path.exists() or path.read_bytes() != content:
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    return path


@functools.cache
def _characters() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset().union(*(get_font(findfont(name)).get_charmap() for name in families()))


def _missing(text) -> set[str]:
    return {c for c in text if ord(c) not in _characters()}


def _is_chinese(character) -> bool:
    punctuation = "\u3000" <= character <= "\u303f" or "\uff01" <= character <= "\uff60"
    return punctuation or unicodedata.name(character, "").startswith("CJK")


def _substitute(character) -> str:
    """Numbers tell tokens apart, boxes do not."""
    return character.encode("unicode_escape").decode() if _is_chinese(character) else "□"

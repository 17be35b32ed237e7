"""How the measures cut a text into tokens. A score means nothing without it: BLEU and ROUGE count what it leaves."""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Sequence

# What sacrebleu's `zh` takes for Chinese, from full-width forms to dingbats. Of its two ranges beyond U+FFFF, written
# "\u20000" there, Python reads U+2001 to U+2A6D (quotation marks, dashes, arrows, ...), and so must we.
CHINESE = re.compile(
    "([\u2001-\u2a6d\u2e80-\u2eff\u2f00-\u2fdf\u2ff0-\u303f\u3100-\u312f\u31a0-\u31bf\u31c0-\u31ef\u3200-\u33ff"
    "\u3400-\u4db5\u4e00-\u9fbb\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef])"
)
HAN, LATIN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]"), re.compile("[A-Za-z]+")
PUNCTUATION = (
    (re.compile(r"([{-~\[-` -&(-+:-@/])"), r" \1 "),  # ASCII's, but ' , - .
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),  # 3.14 and 1,000 stay whole
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),  # 20- and 30-year-olds
)
ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))


def tokens(text: str, tokenize: str | Callable[[str], list[str]]) -> list[str]:
    """The tokens of `text`; `tokenize` is one of `TOKENIZERS` or a function of your own.

    * `"13a"`: words and punctuation marks, as in the WMT competitions (mteval-v13a); BLEU's for English;
    * `"zh"`: every Chinese character and punctuation mark, the rest as 13a; BLEU's for Chinese;
    * `"char"`: the characters that are no white space; ROUGE's for Chinese;
    * `"none"`: what stands between white space;
    * `"word"`: runs of a to z and digits, in lower case; ROUGE's for English. It drops all Chinese.

    >>> tokens("It's 3.5 km, isn't it?", "13a")
    ["It's", '3.5', 'km', ',', "isn't", 'it', '?']
    >>> tokens("他喜欢GPT。", "zh")
    ['他', '喜', '欢', 'GPT', '。']

    Raises
    ------
    TypeError
        If `text` is no string.
    ValueError
        If there is no tokenizer of that name.
    """
    if not isinstance(text, str):
        raise TypeError(f"text is of type {type(text).__name__}, expected str; the measure cuts it into tokens itself")
    if callable(tokenize):
        return list(tokenize(text))
    if tokenize not in TOKENIZERS:
        raise ValueError(f"tokenize is {tokenize!r}; expected one of {', '.join(TOKENIZERS)}, or a function")
    return TOKENIZERS[tokenize](text)


def ngrams(tokens: Sequence[Hashable], n: int) -> Counter:
    """How often each run of n tokens occurs.

    >>> ngrams("abab", 2)
    Counter({('a', 'b'): 2, ('b', 'a'): 1})
    """
    return Counter(zip(*(tokens[i:] for i in range(n)), strict=False))


def is_chinese(text: str) -> bool:
    """Whether a text has more Chinese characters than words in Latin letters, and is to be measured as Chinese.

    >>> is_chinese("用 Python 读书"), is_chinese("The word 书 means book.")
    (True, False)
    """
    return len(HAN.findall(text)) > len(LATIN.findall(text))


def _with_punctuation_apart(text: str) -> list[str]:
    for pattern, spaced in PUNCTUATION:
        text = pattern.sub(spaced, text)
    return text.split()


def _tokens_13a(text: str) -> list[str]:
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, character in ENTITIES:
        text = text.replace(entity, character)
    return _with_punctuation_apart(f" {text} ")


def _tokens_zh(text: str) -> list[str]:
    return _with_punctuation_apart(CHINESE.sub(r" \1 ", text.strip()))


TOKENIZERS: dict[str, Callable[[str], list[str]]] = {
    "13a": _tokens_13a,
    "zh": _tokens_zh,
    "char": lambda text: list("".join(text.split())),
    "none": str.split,
    "word": lambda text: re.findall("[a-z0-9]+", text.lower()),
}

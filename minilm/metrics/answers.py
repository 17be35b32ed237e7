"""Answers to questions: exactly right, or what they share with a right one (F1).

For English as SQuAD scores them (Rajpurkar et al. 2016, arXiv:1606.05250; answers that are empty as in version 2.0,
arXiv:1806.03822), for Chinese as CMRC 2018 does (Cui et al. 2019, arXiv:1810.07366). Both compare a prediction with
every right answer and take the best.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Hashable, Sequence

ARTICLES = re.compile(r"\b(a|an|the)\b")
WITHOUT_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
# CMRC's own list. (… is left: there it is written ……, which no single character equals.)
WITHOUT_CMRC_PUNCTUATION = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
CMRC_TOKEN = re.compile(r"[一-\u9fa5]|[^\s一-\u9fa5]+")


def exact_match(prediction: str, answers: Sequence[str], language: str = "en") -> float:
    """1 if the prediction is one of the right answers, but for what `normalised` takes away; else 0.

    Parameters
    ----------
    prediction
        The answer to be judged.
    answers
        The right answers, at least one; `""` if the question has none.
    language : {"en", "zh"}
        English as SQuAD, Chinese as CMRC.

    Raises
    ------
    ValueError
        If there are no answers, or for another language.
    TypeError
        If `answers` is one string.

    >>> exact_match("The  Globe!", ["globe", "the Globe Theatre"])
    1.0
    """
    return _best(lambda ours, theirs: float(ours == theirs), normalised, prediction, answers, language)


def f1(prediction: str, answers: Sequence[str], language: str = "en") -> float:
    """2 P R / (P + R) with P = shared / tokens of the prediction, R = shared / tokens of the answer; the best answer's.

    English: tokens are words, and shared are those of both, each as often as in both. Chinese: tokens are characters,
    and shared is the longest run that stands in both without a gap. If either has no tokens it is 1 if both have none,
    else 0.

    In two places CMRC's script differs: it cuts words in Latin letters with NLTK's tokenizer, which also parts them
    from . , ! ? % and the like, and it gives 0 for two empty answers, of which that data set has none.

    Parameters, errors: as `exact_match`.

    >>> f1("in the Globe", ["the Globe Theatre"])  # in globe, globe theatre
    0.5
    >>> f1("他读书", ["他喜欢读书。"], language="zh")  # 读书: 2 of 3, 2 of 5
    0.5
    """
    return _best(_word_f1 if language == "en" else _run_f1, _tokens, prediction, answers, language)


def normalised(text: str, language: str = "en") -> str:
    """`text` as answers are compared. English: lower case, without punctuation, articles and needless white space.

    Chinese: lower case, without punctuation.

    >>> normalised("An  apple-pie, the U.S.A.")
    'applepie usa'
    >>> normalised("《红楼梦》。", language="zh")
    '红楼梦'
    """
    if language == "zh":
        return text.lower().strip().translate(WITHOUT_CMRC_PUNCTUATION)
    return " ".join(ARTICLES.sub(" ", text.lower().translate(WITHOUT_ASCII_PUNCTUATION)).split())


def longest_common_run(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """The length of the longest run of tokens that stands in a and in b without a gap.

    run(i, j) = run(i−1, j−1) + 1 if aᵢ = bⱼ, else 0: the runs that end at aᵢ and bⱼ.

    >>> longest_common_run("reading", "riding")
    4
    """
    above, longest = [0] * (len(b) + 1), 0
    for x in a:
        above = [0, *(above[j] + 1 if x == y else 0 for j, y in enumerate(b))]
        longest = max(longest, *above)
    return longest


def _best(score: Callable, prepare: Callable, prediction, answers, language) -> float:
    """The score with the best of the answers."""
    if language not in ("en", "zh"):
        raise ValueError(f"language is {language!r}; expected en or zh")
    if isinstance(answers, str):
        raise TypeError(f"answers is one string, {answers!r}; expected a list of the right ones")
    if not len(answers):
        raise ValueError(f"there is no answer to compare {prediction!r} with; expected at least one, '' if none exists")
    return max(score(prepare(prediction, language), prepare(answer, language)) for answer in answers)


def _tokens(text, language) -> list[str]:
    text = normalised(text, language)
    return CMRC_TOKEN.findall(text) if language == "zh" else text.split()


def _word_f1(ours, theirs) -> float:
    return _f1((Counter(ours) & Counter(theirs)).total(), ours, theirs)


def _run_f1(ours, theirs) -> float:
    return _f1(longest_common_run(ours, theirs), ours, theirs)


def _f1(shared, ours, theirs) -> float:
    if not ours or not theirs:
        return float(ours == theirs)
    return 2 * shared / (len(ours) + len(theirs))  # = 2 P R / (P + R)

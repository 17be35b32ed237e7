"""Pairs of texts as a translator and a reference write them: alike but for words left out, doubled, moved, changed."""

import numpy as np

WORDS = (
    "the The a an cat dogs sat on mat , . ! ? it's don't 3.14 1,000 20-year-old U.S.A. well-known (yes) \"quoted\" "
    "&quot;entity&amp; x&lt;3 C++ a_b e-mail@x.org 50% $5 — “curly” naïve Übung <skipped> -\n \n \t 的 ½ --- ..."
)
CHARACTERS = "我你他喜欢读书看的了不是，。！？、“”《》—…·ＧＰ３３．5%（） \u3000𠀀é"
ENGLISH, CHINESE = WORDS.split(" "), [*CHARACTERS, "GPT", "3.5", "a,b"]
PARTS = {"English": (ENGLISH, " "), "Chinese": (CHINESE, "")}


def text(rng, language, longest=14):
    """A text of up to so many parts: now and then none."""
    parts, space = PARTS[language]
    return space.join(rng.choice(parts, rng.integers(0, longest)))


def like(rng, original, language):
    """A text that has most of another's parts."""
    parts, space = PARTS[language]
    kept = [part for part in (original.split(" ") if space else original) if rng.random() > 0.15]
    for _ in range(rng.integers(0, 4)):
        place = int(rng.integers(0, len(kept) + 1))
        kept[place:place] = rng.choice([str(rng.choice(parts)), *kept[:3]], rng.integers(1, 3)).tolist()
    if kept and rng.random() < 0.3:
        i, j = rng.integers(0, len(kept), 2)
        kept[i], kept[j] = kept[j], kept[i]
    return space.join(kept)


def pairs(seed, language, number, longest=14):
    """Hypothesis and reference, `number` times: sometimes unrelated, equal or empty."""
    rng = np.random.default_rng(seed)
    for _ in range(number):
        reference = text(rng, language, longest)
        others = [like(rng, reference, language)] * 7 + [text(rng, language, longest), reference, ""]
        yield others[rng.integers(len(others))], reference


def corpora(seed, number):
    """Corpora of one to six sentences with one to three references each."""
    rng = np.random.default_rng(seed)
    for _ in range(number):
        language = str(rng.choice(list(PARTS)))
        hypotheses, firsts = zip(*pairs(int(rng.integers(2**31)), language, int(rng.integers(1, 7))), strict=True)
        more = range(rng.integers(0, 3))
        yield hypotheses, [[first, *(like(rng, first, language) for _ in more)] for first in firsts]

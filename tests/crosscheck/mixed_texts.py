"""Strings as a public server gets them: many scripts in one line, emoji, numbers of all kinds, odd white space."""

import numpy as np

WORDS = (
    "the The world's THEY'LL don't it's we've I'm he'd rock'n'roll unaffordable lowercase naïve Übung façade "
    "re\u0301sume\u0301 Straße İstanbul œuvre Привет мир ёлка Ελλάδα Ὀδυσσεύς שלום עולם مرحبا بالعالم हिन्दी भाषा "
    "বাংলা தமிழ் ไทยแลนด์ 한국어 대한민국 日本語 カタカナ ひらがな 人工智能的发展对人类社会有哪些影响 我喜欢读书 "
    "繁體中文 𠀀𠮷 ㄅㄆㄇ ქართული ትግርኛ"
)
NUMBERS = "0 7 42 1984 3.14 1,000,000 ٣٤٥ १२३ ３３ ² ½ Ⅷ ①② 10% -5 1e-9 0x1F 二〇二六"
EMOJI = "😀 🐈 👍🏽 👩‍👩‍👧‍👦 🏳️‍🌈 🇨🇳🇬🇧 ❤️ ☀ 🫠 ✨✨✨ ⌨️ 1️⃣"
MARKS = (
    ". , ! ? … — – - _ ' ’ '' \" “ ” 「 」 、 。 ， ！ ？ ( ) [ ] { } <div> </p> && || == != -> :: ; # @ $ € ¥ ^ "
    "~ ` \\ / * %"
)
WHITE = "|  |  |  |||    |\n|\n\n|\r\n|\t| \n |\u00a0|\u3000|\u2003|\u200b|\v|\x85"
KINDS = [kind.split() for kind in (WORDS, WORDS, WORDS, NUMBERS, EMOJI, MARKS)]
SPACES = [*" " * 6, *WHITE.split("|")]


def mixed_texts(seed, number, longest=20, extra=()):
    """So many strings of up to `longest` parts with white space between, around them, or not at all."""
    rng = np.random.default_rng(seed)
    kinds = [*KINDS, list(extra)] if extra else KINDS
    for _ in range(number):
        parts = [SPACES[rng.integers(len(SPACES))]]
        for _ in range(rng.integers(0, longest)):
            kind = kinds[rng.integers(len(kinds))]
            parts += [kind[rng.integers(len(kind))], SPACES[rng.integers(len(SPACES))]]
        yield "".join(parts)

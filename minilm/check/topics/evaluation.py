"""BLEU, ROUGE, exact match and F1: clip, sum over the corpus first, punish what is too short, compare what is alike."""

import math
import re
import string
from collections import Counter

import numpy as np

from minilm import metrics
from minilm.check.exercise import Exercise

WORDS = [
    "cat",
    "dog",
    "tree",
    "sea",
    "sun",
    "moon",
    "book",
    "song",
    "hill",
    "lake",
    "bird",
    "fish",
    "我",
    "喜欢",
    "读书",
]


def _renamed(rng, texts):
    """Patterns such as "aab" as lists of words, the same word for the same letter: what counts is what is equal."""
    words = dict(zip("abcdefghxyz", rng.permutation(WORDS).tolist(), strict=False))

    def tokens(text):
        return [words[letter] for letter in text] if isinstance(text, str) else [tokens(part) for part in text]

    return tokens(texts)


def _ngrams(tokens, n):
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


# clipped_matches


def _clipped_matches_cases(rng):
    for hypothesis, references, n in (
        ("aaa", ["ab"], 1), ("aaba", ["ab", "cac"], 1), ("aab", ["a", "ac"], 1), ("abc", ["a", "bc"], 1),
        ("abcd", ["abx", "xcd"], 2), ("abc", ["bac"], 2), ("abcd", ["badc"], 2), ("abab", ["bab"], 2), ("a", ["ab"], 2),
        ("", ["ab"], 1),
    ):  # fmt: skip
        yield *_renamed(rng, [hypothesis, references]), n
    for n in (1, 2, 3):
        drawn = ["".join(rng.choice(list("abc"), T)) for T in (8 + n, 7, 9)]
        yield *_renamed(rng, [drawn[0], drawn[1:]]), n


clipped_matches = Exercise(
    name="clipped_matches",
    statement="Σ_g min(c(g), max_r c_r(g)) and Σ_g c(g): c(g) is how often the n-gram g occurs in the hypothesis, "
    "c_r(g) how often in reference r.",
    arguments={
        "hypothesis": "a list of tokens",
        "references": "a list of lists of tokens, at least one",
        "n": "the length of the n-grams",
    },
    returns="a tuple of two whole numbers: the matches, and the n-grams of the hypothesis",
    reference=metrics.clipped_matches,
    cases=_clipped_matches_cases,
    hints=(
        "How many words of 'the the the' are right, if the reference says 'the cat'?",
        "Count the n-grams of each text with a Counter. No n-gram matches oftener than in the reference that has most.",
        "sum(min(count, max(counts_of_r[g] for r in references)) for g, count in counts.items())",
    ),
)


@clipped_matches.variant
def with_counters(hypothesis, references, n):
    counts, ceiling = Counter(_ngrams(hypothesis, n)), Counter()
    for reference in references:
        ceiling |= Counter(_ngrams(reference, n))
    return sum((counts & ceiling).values()), sum(counts.values())


@clipped_matches.variant
def with_lists(hypothesis, references, n):
    mine, theirs = _ngrams(hypothesis, n), [_ngrams(reference, n) for reference in references]
    return sum(min(mine.count(g), max(r.count(g) for r in theirs)) for g in set(mine)), len(mine)


@clipped_matches.variant
def by_ranks(hypothesis, references, n):
    seen, allowed = [], {(g, r.count(g) - k) for r in (_ngrams(r, n) for r in references)
                         for g in r for k in range(r.count(g))}  # fmt: skip
    matches = 0
    for g in _ngrams(hypothesis, n):
        seen.append(g)
        matches += (g, seen.count(g)) in allowed
    return matches, len(seen)


@clipped_matches.misconception(
    "an n-gram matched as often as the hypothesis repeats it", "What would 'the the the the' get?"
)
def no_clipping(hypothesis, references, n):
    known = {g for reference in references for g in _ngrams(reference, n)}
    return sum(g in known for g in _ngrams(hypothesis, n)), len(_ngrams(hypothesis, n))


@clipped_matches.misconception(
    "the references' counts were added up", "May a word stand twice because each of two references has it once?"
)
def clipped_by_the_sum(hypothesis, references, n):
    counts, ceiling = Counter(_ngrams(hypothesis, n)), Counter()
    for reference in references:
        ceiling += Counter(_ngrams(reference, n))
    return sum((counts & ceiling).values()), sum(counts.values())


@clipped_matches.misconception(
    "every n-gram counted once", "How often may a word be right that the reference has twice?"
)
def distinct_only(hypothesis, references, n):
    mine = set(_ngrams(hypothesis, n))
    return len(mine & {g for reference in references for g in _ngrams(reference, n)}), len(mine)


@clipped_matches.misconception(
    "only the first reference counted", "What if the second reference says what the hypothesis says?"
)
def first_reference(hypothesis, references, n):
    return with_counters(hypothesis, references[:1], n)


@clipped_matches.misconception(
    "one reference, the best, had to give all matches", "May one n-gram come from this reference and one from that?"
)
def best_reference(hypothesis, references, n):
    return max(with_counters(hypothesis, [reference], n) for reference in references)


@clipped_matches.misconception(
    "the second number were of the first reference's n-grams",
    "Is precision a share of the hypothesis or of a reference?",
)
def recall_instead(hypothesis, references, n):
    return with_counters(hypothesis, references, n)[0], len(_ngrams(references[0], n))


@clipped_matches.misconception("the order within an n-gram did not matter", "Is 'dog bites' the same as 'bites dog'?")
def any_order(hypothesis, references, n):
    counts, ceiling = Counter(tuple(sorted(g)) for g in _ngrams(hypothesis, n)), Counter()
    for reference in references:
        ceiling |= Counter(tuple(sorted(g)) for g in _ngrams(reference, n))
    return sum((counts & ceiling).values()), sum(counts.values())


# brevity_penalty


def _brevity_penalty_cases(rng):
    for gaps in ([-1], [1], [0], [-2, -3], [3, 1], [4, -7], [-5, 3, -1], [2, 2, -3], [5, -2, -4, -3], [0, 0]):
        reference = rng.integers(9, 20, len(gaps))
        yield reference + np.array(gaps), reference
    yield np.array([0]), rng.integers(1, 5, 1)


brevity_penalty = Exercise(
    name="brevity_penalty",
    statement="BP = 1 if c ≥ r, else exp(1 − r/c): c is the number of tokens in all hypotheses, r in their references.",
    arguments={
        "lengths": "(N,) the tokens of each hypothesis",
        "reference_lengths": "(N,) the tokens of its reference that is closest in length",
    },
    returns="a number from 0 to 1; 0 if the hypotheses are empty",
    reference=metrics.brevity_penalty,
    answer=lambda lengths, reference_lengths: metrics.brevity_penalty(int(lengths.sum()), int(reference_lengths.sum())),
    cases=_brevity_penalty_cases,
    hints=(
        "Precision is highest for a translation of one sure word. Which translations need punishing, short or long?",
        "One penalty for the corpus: add up all lengths first, then compare, and only then take exp.",
        "c, r = lengths.sum(), reference_lengths.sum(); 1 if c >= r else exp(1 - r / c)",
    ),
)


@brevity_penalty.variant
def with_sums(lengths, reference_lengths):
    c, r = lengths.sum(), reference_lengths.sum()
    return 1.0 if c >= r else np.exp(1 - r / c)


@brevity_penalty.variant
def with_minimum(lengths, reference_lengths):
    return min(1.0, float(np.exp((lengths - reference_lengths).sum() / lengths.sum())))


@brevity_penalty.variant
def with_python(lengths, reference_lengths):
    c, r = sum(lengths.tolist()), sum(reference_lengths.tolist())
    return math.exp(min(0.0, 1 - r / c)) if c else 0.0


@brevity_penalty.misconception(
    "translations that are too long were punished", "Which kind of mistake does precision already punish?"
)
def inverted(lengths, reference_lengths):
    return with_sums(reference_lengths, lengths)


@brevity_penalty.misconception("r and c had changed places in the fraction", "Can a penalty be more than 1?")
def fraction_upside_down(lengths, reference_lengths):
    c, r = lengths.sum(), reference_lengths.sum()
    return 1.0 if c >= r else np.exp(1 - c / r)


@brevity_penalty.misconception(
    "each sentence had a penalty of its own, and these were averaged", "May a long sentence make up for a short one?"
)
def mean_of_penalties(lengths, reference_lengths):
    return np.minimum(1, np.exp(1 - reference_lengths / lengths)).mean()


@brevity_penalty.misconception("long translations were rewarded", "What is BP where c is more than r?")
def reward(lengths, reference_lengths):
    return np.exp(1 - reference_lengths.sum() / lengths.sum())


@brevity_penalty.misconception("the penalty were c/r", "Where in your code is the exponential?")
def ratio_only(lengths, reference_lengths):
    return min(1.0, lengths.sum() / reference_lengths.sum())


@brevity_penalty.misconception("the difference in tokens were punished", "Do ten tokens weigh the same in a long text?")
def by_difference(lengths, reference_lengths):
    return min(1.0, np.exp(lengths.sum() - reference_lengths.sum()))


# corpus_bleu


def _corpus_bleu_cases(rng):
    for hypotheses, references, N in (
        (["abce"], [["abcd"]], 2),
        (["abc"], [["abcd"]], 2),
        (["ab"], [["ba"]], 2),
        (["aabb", "cac"], [["abbx"], ["cad", "bac"]], 2),
        (["abcd", "efg"], [["abxd"], ["efgh"]], 2),
        (["abcdx", "efgh", "yab"], [["abcdef"], ["efgxy", "efhgx"], ["xyabc"]], 3),
        (["abcdef", "ab", "gh"], [["abcdef", "abc"], ["abcdx"], ["ghaaa"]], 1),
    ):
        yield *_renamed(rng, [hypotheses, references]), N
    for N in (2, 4):
        ends = ["".join(rng.choice(list("gh"), 3)) for _ in range(3)]
        yield (
            *_renamed(
                rng, [[f"abcde{end}" for end in ends], [["abcdexyz"], ["abcdefx", "abcdefxyzabcd"], ["abcdexxyz"]]]
            ),
            N,
        )


def _bleu(hypotheses, references, N):
    texts = [" ".join(tokens) for tokens in hypotheses]
    return metrics.bleu(texts, [[" ".join(r) for r in rs] for rs in references], "none", "none", N).score


corpus_bleu = Exercise(
    name="corpus_bleu",
    statement="100 · BP · (p₁ p₂ … p_N)^(1/N), pₙ = matches / n-grams, both summed over all sentences; matches clipped "
    "as in clipped_matches; BP = min(1, exp(1 − r/c)), r the sum of the closest references' lengths.",
    arguments={
        "hypotheses": "a list of sentences, each a list of tokens",
        "references": "for each hypothesis a list of sentences; of two as close in length the shorter counts",
        "N": "the length of the longest n-grams",
    },
    returns="a number from 0 to 100; 0 if some pₙ is 0",
    reference=metrics.bleu,
    answer=_bleu,
    cases=_corpus_bleu_cases,
    hints=(
        "BLEU is a number about a corpus. Which sums over sentences does it need?",
        "For each n a sum of matches and one of n-grams; c and r; only then precisions, their geometric mean, and BP.",
        "100 * BP * prod(matches[n] / totals[n] for n in 1..N) ** (1 / N)",
    ),
)


def _sums(hypotheses, references, N):
    """Matches (N,), totals (N,), c and r."""
    pairs = list(zip(hypotheses, references, strict=True))
    counts = np.array([[with_counters(h, rs, n) for n in range(1, N + 1)] for h, rs in pairs]).sum(axis=0)
    r = sum(min((abs(len(ref) - len(h)), len(ref)) for ref in rs)[1] for h, rs in pairs)
    return *counts.T, sum(map(len, hypotheses)), r


def _combined(matches, totals, c, r):
    precisions = matches / np.maximum(totals, 1)
    return 100 * min(1.0, math.exp(1 - r / c)) * np.prod(precisions) ** (1 / len(precisions))


@corpus_bleu.variant
def from_sums(hypotheses, references, N):
    return _combined(*_sums(hypotheses, references, N))


@corpus_bleu.variant
def with_logarithms(hypotheses, references, N):
    matches, totals, c, r = _sums(hypotheses, references, N)
    if not matches.all():
        return 0.0
    return 100 * math.exp(min(0, 1 - r / c) + np.mean(np.log(matches) - np.log(totals)))


@corpus_bleu.variant
def order_by_order(hypotheses, references, N):
    product, c, r = 1.0, 0, 0
    for h, rs in zip(hypotheses, references, strict=True):
        c += len(h)
        r += sorted(map(len, rs), key=lambda length: (abs(length - len(h)), length))[0]
    for n in range(1, N + 1):
        found = [with_lists(h, rs, n) for h, rs in zip(hypotheses, references, strict=True)]
        product *= sum(m for m, _ in found) / max(1, sum(t for _, t in found))
    return 100 * product ** (1 / N) * (math.exp(1 - r / c) if c < r else 1)


@corpus_bleu.misconception(
    "each sentence had a BLEU of its own, and these were averaged", "How much does a sentence of two tokens weigh?"
)
def mean_of_sentences(hypotheses, references, N):
    return np.mean([from_sums([h], [rs], N) for h, rs in zip(hypotheses, references, strict=True)])


@corpus_bleu.misconception(
    "the precisions were averaged by adding them up", "What does one precision of 0 do to a geometric mean?"
)
def arithmetic_mean(hypotheses, references, N):
    matches, totals, c, r = _sums(hypotheses, references, N)
    return 100 * min(1.0, math.exp(1 - r / c)) * np.mean(matches / np.maximum(totals, 1))


@corpus_bleu.misconception(
    "translations could be as short as they like", "What would a translation of one sure word get?"
)
def no_penalty(hypotheses, references, N):
    matches, totals, c, _ = _sums(hypotheses, references, N)
    return _combined(matches, totals, c, c)


@corpus_bleu.misconception("only the longest n-grams counted", "Which precisions does the formula multiply?")
def longest_only(hypotheses, references, N):
    matches, totals, c, r = _sums(hypotheses, references, N)
    return _combined(matches[-1:], totals[-1:], c, r)


@corpus_bleu.misconception("the N-th root were missing", "What is the geometric mean of 1/2 and 1/2?")
def product_without_root(hypotheses, references, N):
    matches, totals, c, r = _sums(hypotheses, references, N)
    return 100 * min(1.0, math.exp(1 - r / c)) * np.prod(matches / np.maximum(totals, 1))


@corpus_bleu.misconception("matches were not clipped", "How often may a word be right that the reference has once?")
def bleu_without_clipping(hypotheses, references, N):
    _, totals, c, r = _sums(hypotheses, references, N)
    pairs = list(zip(hypotheses, references, strict=True))
    matches = [sum(no_clipping(h, rs, n)[0] for h, rs in pairs) for n in range(1, N + 1)]
    return _combined(np.array(matches), totals, c, r)


# rouge_l


def _rouge_l_cases(rng):
    for pair in (
        ("ab", "ab"), ("ab", "cd"), ("abc", "def"), ("abc", "axbc"), ("abcd", "axbcxd"), ("cab", "abc"),
        ("dabc", "abcde"), ("a", "bab"), ("", "ab"), ("aab", "ab"), ("abcabc", "acbacbb"),
    ):  # fmt: skip
        yield tuple(_renamed(rng, pair))
    for T, S in ((7, 9), (10, 8)):
        yield tuple(_renamed(rng, ["".join(rng.choice(list("abcd"), length)) for length in (T, S)]))


rouge_l = Exercise(
    name="rouge_l",
    statement="P = L/T, R = L/S, F = 2 P R / (P + R), where L is the length of the longest common subsequence: tokens "
    "of both texts in the same order, with or without others between them.",
    arguments={"hypothesis": "a list of T tokens", "reference": "a list of S tokens"},
    returns="a tuple of three numbers, P, R and F; each is 0 where its denominator is",
    reference=metrics.rouge_l,
    answer=lambda hypothesis, reference: tuple(
        metrics.rouge_l(" ".join(hypothesis), " ".join(reference), tokenize="none")
    ),
    cases=_rouge_l_cases,
    hints=(
        "Take the last tokens of both texts. If they are equal, what remains to be compared? And if they are not?",
        "A table L[i][j] for the first i and j tokens, filled row by row, its border zero.",
        "L[i][j] = L[i-1][j-1] + 1 if equal, else max(L[i-1][j], L[i][j-1]); the answer is in the last corner.",
    ),
)


def _shares(L, T, S):
    P, R = L / max(T, 1), L / max(S, 1)
    return P, R, 2 * P * R / (P + R) if L else 0.0


def _table(a, b, otherwise=max):
    L = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            L[i + 1, j + 1] = L[i, j] + 1 if x == y else otherwise(L[i, j + 1], L[i + 1, j])
    return L


@rouge_l.variant
def with_a_table(hypothesis, reference):
    return _shares(int(_table(hypothesis, reference)[-1, -1]), len(hypothesis), len(reference))


@rouge_l.variant
def with_memory(hypothesis, reference):
    known = {}

    def L(i, j):
        if not i or not j:
            return 0
        if (i, j) not in known:
            equal = hypothesis[i - 1] == reference[j - 1]
            known[i, j] = L(i - 1, j - 1) + 1 if equal else max(L(i - 1, j), L(i, j - 1))
        return known[i, j]

    length = L(len(hypothesis), len(reference))
    F = 2 * length / (len(hypothesis) + len(reference)) if length else 0
    return length / (len(hypothesis) or 1), length / (len(reference) or 1), F


@rouge_l.variant
def with_rising_chains(hypothesis, reference):
    ends = []  # ends[k] is the earliest place in the reference at which a common subsequence of k + 1 tokens can end
    for token in hypothesis:
        for j in reversed([j for j, other in enumerate(reference) if other == token]):
            k = sum(end < j for end in ends)
            ends[k : k + 1] = [j]
    return _shares(len(ends), len(hypothesis), len(reference))


@rouge_l.misconception("the common tokens had to stand side by side", "May other tokens stand between the common ones?")
def longest_run(hypothesis, reference):
    runs = _table(hypothesis, reference, otherwise=lambda *_: 0)
    return _shares(int(runs.max()), len(hypothesis), len(reference))


@rouge_l.misconception("their order did not matter", "How much of 'dog bites man' is in 'man bites dog'?")
def bag_of_words(hypothesis, reference):
    return _shares((Counter(hypothesis) & Counter(reference)).total(), len(hypothesis), len(reference))


@rouge_l.misconception(
    "each token took the first free place in the reference", "What if the first token is found at the reference's end?"
)
def greedy(hypothesis, reference):
    place, length = 0, 0
    for token in hypothesis:
        if token in reference[place:]:
            place, length = reference.index(token, place) + 1, length + 1
    return _shares(length, len(hypothesis), len(reference))


@rouge_l.misconception("precision and recall had changed places", "Of which text is recall a share?")
def shares_swapped(hypothesis, reference):
    return with_a_table(reference, hypothesis)


@rouge_l.misconception("F were the mean of P and R", "What should F be if one of them is near 0?")
def arithmetic_f(hypothesis, reference):
    P, R, _ = with_a_table(hypothesis, reference)
    return P, R, (P + R) / 2


@rouge_l.misconception("something were always in common", "What is P + R of two texts that share nothing?")
def no_guard(hypothesis, reference):
    P, R, _ = with_a_table(hypothesis, reference)
    return P, R, 2 * P * R / (P + R)


# token_f1


def _token_f1_cases(rng):
    for prediction, answers in (
        ("a", ["ab"]), ("ab", ["ab"]), ("aab", ["aac"]), ("aabb", ["abbb"]), ("abc", ["x", "abd"]),
        ("ab", ["xy", "ac", "abcd"]), ("abcx", ["ab", "abcde", "a"]), ("", ["a"]), ("a", [""]), ("", [""]),
        ("abc", ["xyz"]), ("bca", ["abc", "x"]),
    ):  # fmt: skip
        yield tuple(_renamed(rng, [prediction, answers]))
    for T in (5, 6):
        yield tuple(_renamed(rng, ["".join(rng.choice(list("abc"), length)) for length in (T,)]
                             + [["".join(rng.choice(list("abcd"), length)) for length in (4, 7)]]))  # fmt: skip


token_f1 = Exercise(
    name="token_f1",
    statement="max over the answers of 2 P R / (P + R): P = shared / tokens of the prediction, R = shared / tokens of "
    "the answer; a token is shared as often as both have it. If one of the two is empty: 1 if both are, else 0.",
    arguments={"prediction": "a list of tokens", "answers": "a list of right answers, each a list of tokens"},
    returns="a number from 0 to 1",
    reference=metrics.f1,
    answer=lambda prediction, answers: metrics.f1(" ".join(prediction), [" ".join(answer) for answer in answers]),
    cases=_token_f1_cases,
    hints=(
        "Any of the answers would be right. Which one should a prediction be compared with?",
        "Counter & Counter keeps the smaller of two counts: that is what is shared. Mind empty lists.",
        "shared = (Counter(p) & Counter(a)).total(); 2 * shared / (len(p) + len(a)) is the same as 2 P R / (P + R)",
    ),
)


def _f1_of(prediction, answer):
    if not prediction or not answer:
        return float(prediction == answer)
    return 2 * (Counter(prediction) & Counter(answer)).total() / (len(prediction) + len(answer))


@token_f1.variant
def with_counters_too(prediction, answers):
    return max(_f1_of(prediction, answer) for answer in answers)


@token_f1.variant
def by_crossing_out(prediction, answers):
    best = 0.0
    for answer in answers:
        left, shared = list(answer), 0
        for token in prediction:
            if token in left:
                left.remove(token)
                shared += 1
        if shared:
            P, R = shared / len(prediction), shared / len(answer)
            best = max(best, 2 * P * R / (P + R))
        elif not prediction and not answer:
            best = 1.0
    return best


@token_f1.variant
def with_harmonic_mean(prediction, answers):
    scores = []
    for answer in answers:
        shared = sum(min(prediction.count(token), answer.count(token)) for token in set(answer))
        scores.append(2 / (len(prediction) / shared + len(answer) / shared) if shared else float(prediction == answer))
    return max(scores)


@token_f1.misconception("every token counted once", "What is shared by 'very very good' and 'very good'?")
def sets_of_tokens(prediction, answers):
    def score(answer):
        if not prediction or not answer:
            return float(prediction == answer)
        return 2 * len(set(prediction) & set(answer)) / (len(set(prediction)) + len(set(answer)))

    return max(map(score, answers))


@token_f1.misconception("the answers' scores were averaged", "Is a prediction wrong that equals one of two answers?")
def mean_over_answers(prediction, answers):
    return np.mean([_f1_of(prediction, answer) for answer in answers])


@token_f1.misconception("only the first answer were right", "Why are there several answers?")
def first_answer(prediction, answers):
    return _f1_of(prediction, answers[0])


@token_f1.misconception("only recall counted", "What would a prediction get that holds the whole text?")
def recall_only(prediction, answers):
    return max((Counter(prediction) & Counter(a)).total() / len(a) if a else float(not prediction) for a in answers)


@token_f1.misconception(
    "what is shared were divided by what either has", "Is a token that both have in the denominator once or twice?"
)
def jaccard(prediction, answers):
    def score(answer):
        either = (Counter(prediction) | Counter(answer)).total()
        return (Counter(prediction) & Counter(answer)).total() / either if either else 1.0

    return max(map(score, answers))


@token_f1.misconception("half of the right tokens were as bad as none", "What is F1 for, if there is exact match?")
def all_or_nothing(prediction, answers):
    return float(prediction in answers)


@token_f1.misconception("two empty texts had nothing in common", "What is the right answer if there is none?")
def empty_is_wrong(prediction, answers):
    return 0.0 if not prediction else with_counters_too(prediction, answers)


# exact_match


def _exact_match_cases(rng):
    for prediction, answers in (
        ("{0}", ["{0}"]), ("{0}", ["{1}"]), ("The {0}!", ["the {0}"]), ("{0} {1}", ["{0}  {1} "]), ("a {0}", ["{0}"]),
        ("{0}", ["{1}", "{0}"]), ("U.S. {0}", ["us {0}"]), ("co-{0}", ["co {0}"]), ("theme {0}", ["me {0}"]),
        ("{0}", ["{0} {1}"]), ("{0} an {1}", ["{0} {1}"]), ("an", ["the"]), ("{0} {1}", ["{0}{1}"]),
        ("{0}, {1}", ["{1}, {0}"]),
    ):  # fmt: skip
        words = [str(word).capitalize() if rng.random() < 0.5 else str(word) for word in rng.permutation(WORDS[:12])]
        yield prediction.format(*words), [answer.format(*words).lower() for answer in answers]


exact_match = Exercise(
    name="exact_match",
    statement="1 if n(prediction) = n(answer) for some answer, else 0. n: lower case; without punctuation "
    "(string.punctuation), which leaves no space; without the words a, an, the; words apart by one space.",
    arguments={"prediction": "a string", "answers": "a list of strings"},
    returns="1 or 0",
    reference=metrics.exact_match,
    cases=_exact_match_cases,
    hints=(
        "Write n as a function of its own and try it on 'The  U.S.A.!'.",
        "Articles are words: the in theme is none. Punctuation goes first, or 'the,' would be no article.",
        "split() and ' '.join put one space between words; leave out those in {'a', 'an', 'the'}.",
    ),
)


def _normalised(text, punctuation="", articles=("a", "an", "the")):
    text = "".join(punctuation if c in string.punctuation else c for c in text.lower())
    return " ".join(word for word in text.split() if word not in articles)


@exact_match.variant
def by_words(prediction, answers):
    return float(_normalised(prediction) in [_normalised(answer) for answer in answers])


@exact_match.variant
def with_expressions(prediction, answers):
    def n(text):
        text = re.sub(f"[{re.escape(string.punctuation)}]", "", text.lower())
        return re.sub(r"\s+", " ", re.sub(r"\b(a|an|the)\b", " ", text)).strip()

    return int(any(n(prediction) == n(answer) for answer in answers))


@exact_match.variant
def with_translate(prediction, answers):
    table = str.maketrans("", "", string.punctuation)
    mine, *theirs = ([w for w in t.translate(table).lower().split() if w not in ("a", "an", "the")]
                     for t in [prediction, *answers])  # fmt: skip
    return max(float(mine == words) for words in theirs)


@exact_match.misconception("punctuation were a space", "Is U.S. one word or two?")
def punctuation_is_a_space(prediction, answers):
    return float(_normalised(prediction, " ") in [_normalised(answer, " ") for answer in answers])


@exact_match.misconception("punctuation counted", "Is an answer wrong that ends with an exclamation mark?")
def punctuation_kept(prediction, answers):
    def n(text):
        return " ".join(word for word in text.lower().split() if word not in ("a", "an", "the"))

    return float(n(prediction) in map(n, answers))


@exact_match.misconception("articles counted", "Is 'the sea' another answer than 'sea'?")
def articles_kept(prediction, answers):
    return float(_normalised(prediction, "", ()) in [_normalised(answer, "", ()) for answer in answers])


@exact_match.misconception("the letters the were an article in every word", "What is left of 'theme'?")
def articles_within_words(prediction, answers):
    def n(text):
        text = "".join(c for c in text.lower() if c not in string.punctuation)
        return " ".join(_normalised(text).replace("the", "").split())

    return float(n(prediction) in map(n, answers))


@exact_match.misconception("white space did not count at all", "Is 'sun rise' the same as 'sunrise'?")
def spaces_removed(prediction, answers):
    return float(_normalised(prediction).replace(" ", "") in [_normalised(a).replace(" ", "") for a in answers])


@exact_match.misconception("only the first answer were right", "Why are there several answers?")
def first_answer_only(prediction, answers):
    return by_words(prediction, answers[:1])


@exact_match.misconception("it were enough to be a part of the answer", "Does 'exact' allow for words left out?")
def contained(prediction, answers):
    return float(any(_normalised(prediction) in _normalised(answer) for answer in answers))


@exact_match.misconception("the order of words did not matter", "Is 'man bites dog' the answer 'dog bites man'?")
def words_sorted(prediction, answers):
    return float(sorted(_normalised(prediction).split()) in [sorted(_normalised(a).split()) for a in answers])

"""Judging a translator: held-out pairs that are related to no training pair, raw text, and the same draws for both."""

import re
from collections import Counter

import numpy as np

from minilm import metrics
from minilm.check.exercise import Exercise
from minilm.data.pairs import connected

# related_pairs


def _related_pairs_cases(rng):
    for pattern in ("ax bx by", "ax by cz", "ax ax", "bx ay by", "cx by bx az az", "ab ba", "ax by cx dy cy"):
        yield (_numbered(rng, pattern.split()),)
    for size in (6, 8, 9):
        yield ([(int(a), int(b)) for a, b in rng.integers(0, size, (size, 2))],)
    chain = [(i + d, i) for i in range(7) for d in (0, 1)]  # a path through all of them
    yield ([chain[i] for i in rng.permutation(len(chain))],)


def _numbered(rng, pattern):
    """Letters as numbers that rise with them, so that what is least stays least."""
    rising = np.sort(rng.choice(90, 26, replace=False)).tolist()
    return [tuple(rising[ord(letter) - ord("a")] for letter in pair) for pair in pattern]


related_pairs = Exercise(
    name="related_pairs",
    statement="Sentences are numbers; number 3 on the left is another sentence than number 3 on the right. Pairs are "
    "related if they share their left or their right sentence, or by a chain of such pairs. For each pair: the least "
    "left sentence of all pairs that it is related to, itself included. Whoever splits by it lets nothing leak.",
    arguments={"pairs": "a list of N tuples (left, right) of ints"},
    returns="a list of N ints",
    reference=connected,
    cases=_related_pairs_cases,
    hints=(
        "If A is related to B, and B to C, may A be held out when C is learned from?",
        "Give every pair its own left sentence first. Then let pairs that share a sentence agree on the lesser one.",
        "Go over all pairs of pairs again and again, until a whole round has changed nothing.",
    ),
)


def _spread(pairs, labels, share, rounds):
    """Let pairs that share something take the least label, so many times."""
    for _ in range(rounds):
        labels = [min(labels[j] for j, q in enumerate(pairs) if share(p, q)) for p in pairs]
    return labels


def _lefts(pairs):
    return [left for left, _ in pairs]


def _either(p, q):
    return p[0] == q[0] or p[1] == q[1]


@related_pairs.variant
def until_nothing_changes(pairs):
    labels, before = _lefts(pairs), None
    while labels != before:
        before, labels = labels, _spread(pairs, labels, _either, 1)
    return labels


@related_pairs.variant
def by_walking(pairs):
    found = [None] * len(pairs)
    for first in range(len(pairs)):
        reached, todo = {first}, [first]
        while todo:
            p = pairs[todo.pop()]
            new = {j for j, q in enumerate(pairs) if _either(p, q)} - reached
            reached |= new
            todo += new
        found[first] = min(pairs[j][0] for j in reached)
    return found


@related_pairs.variant
def by_merging_sets(pairs):
    groups = []
    for left, right in pairs:
        mine = {("left", left), ("right", right)}
        near = [group for group in groups if group & mine]
        groups = [group for group in groups if not group & mine] + [mine.union(*near)]
    return [min(s for side, s in next(g for g in groups if ("left", left) in g) if side == "left") for left, _ in pairs]


@related_pairs.misconception(
    "only pairs with the same left sentence were related", "May one English sentence translate two Chinese ones?"
)
def left_side_only(pairs):
    return _lefts(pairs)


@related_pairs.misconception(
    "only pairs were related that are equal", "Does a translation leak if the same sentence is learned from in English?"
)
def equal_pairs_only(pairs):
    return [next(i for i, q in enumerate(pairs) if p == q) + pairs[0][0] for p in pairs]


@related_pairs.misconception(
    "a pair were related to its neighbours, but not to theirs", "How long may the chain be that relates two pairs?"
)
def neighbours_only(pairs):
    return _spread(pairs, _lefts(pairs), _either, 1)


@related_pairs.misconception(
    "two rounds were enough", "How do you know that the next round would change nothing any more?"
)
def two_rounds(pairs):
    return _spread(pairs, _lefts(pairs), _either, 2)


@related_pairs.misconception(
    "a sentence on the left were the same as that of its number on the right",
    "Which two languages do 3 and 3 belong to?",
)
def sides_mixed(pairs):
    return _spread(pairs, _lefts(pairs), lambda p, q: bool({*p} & {*q}), len(pairs))


@related_pairs.misconception(
    "pairs that come later could not join what came before", "What if the last pair connects the first two?"
)
def one_pass(pairs):
    labels, of_left, of_right = [], {}, {}
    for left, right in pairs:
        label = min(of_left.get(left, left), of_right.get(right, left))
        of_left[left] = of_right[right] = label
        labels.append(label)
    return labels


# precision_of_pieces


UNKNOWN = "[UNK]"


def _pieces_cases(rng):
    stems, ends = (
        rng.permutation(["read", "sing", "walk", "help", "sleep", "jump"]),
        rng.permutation(["ing", "er", "s"]),
    )
    a, b, c, d = (str(stem) for stem in stems[:4])
    x, y = (f"##{end}" for end in ends[:2])
    yield from (
        ([[a, x, "."]], [f"{a}{x[2:]}."], 1),
        ([["i", a, x, "."]], [f"i {b}{x[2:]}."], 1),
        ([["i", "like", UNKNOWN, "."]], [f"i like {c}."], 1),
        ([["it", d, "##s", "it", "."]], [f"it {d}s."], 1),
        ([[a, "##s", b, "##s", "!"], [c, "."]], [f"{a}s {b}!", f"{c}."], 1),
        ([["he", a, "##s", ",", "she", a, "##s", "."], ["i", d, "?"]], [f"he {a}s, she {b}s.", f"i {d}?"], 2),
        ([["i", UNKNOWN, a, x], [b, y, c, "."], ["it", d, "##s", "it", "."]],
         [f"i {c} {a}{x[2:]}", f"{b}{y[2:]} {d}.", f"it {d}s."], 2),
        ([["he", a, "##s", ",", "and", "i", b, x, "."], ["we", "like", b, x, "very", "much", "."]],
         [f"he {a}s, and i {c}{x[2:]}.", f"we like {b}{x[2:]} so much."], 3),
    )  # fmt: skip


def _cut(text):
    return re.findall("[A-Za-z]+|[^A-Za-z ]", text)


def _text(pieces):
    return " ".join(pieces).replace(" ##", "")


def _precision_answer(pieces, references, n):
    counts = sum(metrics.bleu_counts(_text(p), r, _cut, n) for p, r in zip(pieces, references, strict=True))
    return counts[0, n] / counts[1, n]


precision_of_pieces = Exercise(
    name="precision_of_pieces",
    statement="pₙ of BLEU for a translator that writes WordPieces. Join its pieces to a text (words apart by a space, "
    "##ing belongs to the word before), cut this text and the reference, which is raw text, in the same way: "
    "re.findall('[A-Za-z]+|[^A-Za-z ]', text). pₙ = Σ clipped matches / Σ n-grams of the translations, over all.",
    arguments={
        "pieces": "a list of N translations, each a list of pieces; [UNK] is one, too",
        "references": "a list of N strings",
        "n": "the length of the n-grams",
    },
    returns="a number from 0 to 1",
    reference=metrics.bleu_counts,
    answer=_precision_answer,
    cases=_pieces_cases,
    hints=(
        "Two translators with other vocabularies are to be compared. What must not depend on their pieces?",
        "Three steps: join to text; cut text and reference by the same rule; count n-grams over the whole corpus.",
        "text = ' '.join(pieces).replace(' ##', ''); (Counter(mine) & Counter(theirs)).total(), summed, then divided.",
    ),
)


def _grams(tokens, n):
    return Counter(zip(*(tokens[i:] for i in range(n)), strict=False))


def _precision(hypotheses, references, n):
    counts = [(_grams(h, n), _grams(r, n)) for h, r in zip(hypotheses, references, strict=True)]
    return sum((h & r).total() for h, r in counts) / sum(h.total() for h, _ in counts)


@precision_of_pieces.variant
def joined_and_cut(pieces, references, n):
    return _precision([_cut(_text(p)) for p in pieces], map(_cut, references), n)


@precision_of_pieces.variant
def joined_by_hand(pieces, references, n):
    matches = total = 0
    for sentence, reference in zip(pieces, references, strict=True):
        text = ""
        for piece in sentence:
            text += piece[2:] if piece.startswith("##") else " " + piece
        mine, theirs = (list(zip(*(_cut(t)[i:] for i in range(n)), strict=False)) for t in (text, reference))
        matches += sum(min(mine.count(gram), theirs.count(gram)) for gram in set(mine))
        total += len(mine)
    return matches / total


@precision_of_pieces.variant
def by_crossing_out(pieces, references, n):
    right, written = 0, 0
    for sentence, reference in zip(pieces, references, strict=True):
        mine, theirs = _cut(re.sub(" ##", "", " ".join(sentence))), _cut(reference)
        left = [theirs[i : i + n] for i in range(len(theirs) - n + 1)]
        for gram in (mine[i : i + n] for i in range(len(mine) - n + 1)):
            written += 1
            if gram in left:
                left.remove(gram)
                right += 1
    return right / written


@precision_of_pieces.misconception(
    "BLEU were of tokenised text: pieces against words", "Is ##ing a word that a reference may hold?"
)
def pieces_as_words(pieces, references, n):
    return _precision(pieces, map(_cut, references), n)


def _as_pieces(word, known):
    """A word of a reference in the model's pieces, or unknown: longest first, as WordPiece does it."""
    cuts = [(word[:i], f"##{word[i:]}") for i in range(len(word) - 1, 0, -1)]
    parts = next((cut for cut in cuts if {*cut} <= known), (UNKNOWN,))
    return (word,) if word in known else parts


@precision_of_pieces.misconception(
    "the references had been through the model's tokenizer, too",
    "Is a translator the better, the more words it does not know, as [UNK] is then always right?",
)
def references_in_pieces(pieces, references, n):
    known = {piece for sentence in pieces for piece in sentence}
    return _precision(pieces, [[p for w in _cut(r) for p in _as_pieces(w, known)] for r in references], n)


@precision_of_pieces.misconception(
    "the pieces had been joined by spaces alone", "What becomes of ## when the text is cut?"
)
def hashes_left(pieces, references, n):
    return _precision([_cut(" ".join(p)) for p in pieces], map(_cut, references), n)


@precision_of_pieces.misconception(
    "words were what stands between spaces", "Does 'reading.' with its full stop equal 'reading'?"
)
def cut_at_spaces(pieces, references, n):
    return _precision([_text(p).split() for p in pieces], [r.split() for r in references], n)


@precision_of_pieces.misconception("only the translations had been cut", "Are both texts cut by the same rule?")
def references_at_spaces(pieces, references, n):
    return _precision([_cut(_text(p)) for p in pieces], [r.split() for r in references], n)


@precision_of_pieces.misconception(
    "unknown words did not count", "Is a translation that leaves a word open as good as one that says it?"
)
def unknown_left_out(pieces, references, n):
    return joined_and_cut([[p for p in sentence if p != UNKNOWN] for sentence in pieces], references, n)


@precision_of_pieces.misconception(
    "every sentence had a precision of its own, and these were averaged", "Should a short sentence weigh as much?"
)
def mean_of_precisions(pieces, references, n):
    return np.mean([joined_and_cut([p], [r], n) for p, r in zip(pieces, references, strict=True)])


@precision_of_pieces.misconception(
    "an n-gram matched as often as the translation repeats it", "How often may 'it' be right that stands once?"
)
def not_clipped(pieces, references, n):
    sides = [(_grams(_cut(_text(p)), n), _grams(_cut(r), n)) for p, r in zip(pieces, references, strict=True)]
    return sum(c for h, r in sides for g, c in h.items() if g in r) / sum(h.total() for h, _ in sides)


# paired_bootstrap


def _paired_cases(rng):
    yield np.array([[1, 2], [3, 4]]), np.array([[0, 2], [3, 4]]), np.array([[2, 0], [0, 2], [1, 1]])
    for N, rounds in ((3, 8), (5, 30), (8, 60)):
        totals = rng.integers(3, 30, (2, N))
        first, second = (np.stack([rng.integers(0, t + 1), t], axis=1) for t in totals)
        draws = rng.multinomial(N, np.full(N, 1 / N), rounds)
        draws[0], draws[1] = 1, N * np.eye(N, dtype=int)[0]
        second[0] = first[0]  # equal where only the first sentence is drawn
        yield first, second, draws


def _paired_answer(first, second, draws):
    scores = [metrics.bootstrap(counts, lambda total: total[0] / total[1], draws) for counts in (first, second)]
    return float((scores[0] > scores[1]).mean())


paired_bootstrap = Exercise(
    name="paired_bootstrap",
    statement="In which share of the resampled test sets is the first translator strictly better? A translator's "
    "score on a resampling is Σᵢ wᵢ matchesᵢ / Σᵢ wᵢ totalsᵢ, where wᵢ is how often sentence i was drawn; both are "
    "scored on the same draws (Koehn 2004).",
    arguments={
        "first": "(N, 2) ints: matches and n-grams of each sentence, by the first translator",
        "second": "(N, 2) ints: the same sentences, by the second",
        "draws": "(R, N) ints: how often each sentence is in each of R resamplings",
    },
    returns="a number from 0 to 1",
    reference=metrics.bootstrap,
    answer=_paired_answer,
    cases=_paired_cases,
    hints=(
        "Some sentences are hard for both. What do the same draws do to that?",
        "draws @ counts adds up matches and n-grams of each resampling, (R, 2). Then divide, then compare.",
        "a, b = draws @ first, draws @ second; the mean of a[:, 0] / a[:, 1] > b[:, 0] / b[:, 1].",
    ),
)


def _scores(counts, draws):
    matches, totals = (draws @ counts).T
    return matches / totals


@paired_bootstrap.variant
def with_matrices(first, second, draws):
    return (_scores(first, draws) > _scores(second, draws)).mean()


@paired_bootstrap.variant
def by_cross_multiplying(first, second, draws):
    a, b = draws @ first, draws @ second
    return np.count_nonzero(a[:, 0] * b[:, 1] > b[:, 0] * a[:, 1]) / len(draws)


@paired_bootstrap.variant
def one_draw_at_a_time(first, second, draws):
    wins = 0
    for w in draws:
        mine, theirs = (sum(k * row for k, row in zip(w, side, strict=True)) for side in (first, second))
        wins += mine[0] / mine[1] > theirs[0] / theirs[1]
    return wins / len(draws)


@paired_bootstrap.misconception(
    "each translator had test sets of its own", "Is one of them worse because it was given harder sentences?"
)
def unpaired(first, second, draws):
    return (_scores(first, draws) > _scores(second, np.roll(draws, 1, axis=0))).mean()


@paired_bootstrap.misconception("a draw were won that is a draw", "Is equal strictly better?")
def ties_won(first, second, draws):
    return (_scores(first, draws) >= _scores(second, draws)).mean()


@paired_bootstrap.misconception(
    "sentences had scores of their own, and these were averaged", "Is BLEU a mean of the sentences' scores?"
)
def mean_of_sentences(first, second, draws):
    a, b = (draws @ (side[:, 0] / side[:, 1]) for side in (first, second))
    return (a > b + 1e-12).mean()


@paired_bootstrap.misconception(
    "a sentence that was drawn twice were there once", "What does drawing with replacement put back?"
)
def each_once(first, second, draws):
    return with_matrices(first, second, (draws > 0).astype(int))


@paired_bootstrap.misconception(
    "the whole test set alone decided", "By how much might another test set of this size have said otherwise?"
)
def one_comparison(first, second, draws):
    return float(with_matrices(first, second, np.ones((1, len(first)), int)))


@paired_bootstrap.misconception("only the matches counted", "Who has more n-grams right if one writes more words?")
def matches_alone(first, second, draws):
    return ((draws @ first)[:, 0] > (draws @ second)[:, 0]).mean()


@paired_bootstrap.misconception("the second translator were asked for", "Of which of the two is the share?")
def the_other_one(first, second, draws):
    return with_matrices(second, first, draws)

"""What tests/studies/bert.py measures of a masked language model: loss, what it fills in, where it looks, a probe."""

from typing import NamedTuple

import numpy as np

from minilm import autograd, data, models, nn
from minilm.data import Special, framed, padded
from minilm.training.evaluation import evaluating

CUES = {
    "plays": (
        "to be, or not to [MASK], that is the question.", "good [MASK], my lord.", "i [MASK] you, sir.",
        "the king is [MASK].", "what is thy [MASK]?", "how now, [MASK]!",
    ),
    "reviews-zh": (
        "今天天气真[MASK]，我很开心。", "这家酒店的服务很[MASK]。", "房间太[MASK]了。", "这本[MASK]写得很好。",
        "我很喜[MASK]这本书。", "电[MASK]的屏幕不错。",
    ),
}  # fmt: skip
BY_RULE, LIKELIEST = 8, 5
SHOWN = {"plays": "good morrow to you, my lord.", "reviews-zh": "酒店的房间不大，但是很干净。"}


def begin(bert) -> None:
    """Embeddings four times as wide as in the paper, and positions that begin as waves of the same width.

    Adam changes each number by about the rate, so narrow ones are lost before a head has found their use; and between
    waves the place before is one rotation, everywhere, so what one place learns of its neighbours holds for all. On
    chains of a few symbols the loss left its plateau after a third fewer steps.
    """
    bert.embedding.table.data *= np.float32(4)
    context, width = bert.positions.table.shape
    bert.positions.table.data[:] = 0.08 * 2**0.5 * nn.SinusoidalPositions(context, width).waves


# --- Loss and accuracy ------------------------------------------------------------------------------------------


def masked_lm_figures(model, held_out, learned) -> dict:
    """Nats and share right where a token was asked for: of all, and by what stood there.

    "unigram": how often a token occurs. "neighbours": P(x | left) P(right | x), divided by its sum over x, from counts
    of pairs; where a neighbour is hidden too, its factor is left out.
    """
    special, V = held_out.masking.special, model.bert.vocabulary
    text = np.concatenate([[special.cls, *ids, special.sep] for ids in learned])
    single, pairs = (models.NGram(V, order).fit(text) for order in (1, 2))
    unigram = single.log_probs(np.zeros((1, 1), np.int64))[0, 0]
    after = pairs.log_probs(np.arange(V)[:, None])[:, 0].astype(np.float32)  # (V, V), ln P(column | row)
    rows = [_asked(model, batch, special, unigram, after) for batch in held_out.each_once()]
    fate, *columns = (np.concatenate(column) for column in zip(*rows, strict=True))
    kinds = {"all": fate >= 0, "[MASK]": fate == 0, "another": fate == 1, "kept": fate == 2}
    names = ("bert", "unigram", "neighbours")
    return {
        kind: {name: [float(columns[2 * i][there].mean()), float(columns[2 * i + 1][there].mean())]
               for i, name in enumerate(names)} | {"asked": int(there.sum())}
        for kind, there in kinds.items()
    }  # fmt: skip


def _asked(model, batch, special, unigram, after):
    """Of each token asked for, what stood there (0 [MASK], 1 another, 2 itself); nats and right of each model."""
    ids, segments, targets = batch
    with autograd.no_grad(), evaluating(model):
        logits = model(ids, segments)
        bert = autograd.log_softmax(logits).data[targets != -1]
    row, t = np.nonzero(targets != -1)
    left, right, wanted = ids[row, t - 1], ids[row, t + 1], targets[row, t]
    both = np.where((left == special.mask)[:, None], unigram, after[left])
    both = both + np.where((right == special.mask)[:, None], 0, after.T[right])
    both = autograd.log_softmax(autograd.Tensor(both)).data
    fate = np.where(ids[row, t] == special.mask, 0, np.where(ids[row, t] == wanted, 2, 1))
    found = [fate]
    for log_p in (bert, np.broadcast_to(unigram, bert.shape), both):
        found += [-log_p[np.arange(len(wanted)), wanted], log_p.argmax(axis=1) == wanted]
    return found


# --- What it fills in, and where it looks -----------------------------------------------------------------------


def filled(model, tokenizer, corpus, held_out, longest) -> dict:
    """The likeliest tokens at [MASK]: of cues, and of held-out texts of 8 to 24 tokens, the first there are."""
    special, rng = Special.of(tokenizer), np.random.default_rng(0)
    cues = [(cue, None) for cue in CUES[corpus]]
    short = [ids for ids in map(tokenizer.encode, held_out) if 8 <= len(ids) <= 24][:BY_RULE]
    for ids in short:
        t = rng.integers(1, len(ids) - 1)
        cues.append((f"{tokenizer.decode(ids[:t])} [MASK] {tokenizer.decode(ids[t + 1 :])}", int(ids[t])))
    return {
        "filled": [[cue, _likeliest(model, tokenizer, cue, special, longest),
                    None if wanted is None else tokenizer.vocabulary.symbols([wanted])[0]] for cue, wanted in cues],
        "looks": _looks(model.bert, tokenizer, SHOWN[corpus], special, longest),
    }  # fmt: skip


def _likeliest(model, tokenizer, cue, special, longest):
    before, after = cue.split("[MASK]")
    text = [*tokenizer.encode(before), special.mask, *tokenizer.encode(after)]
    ids, _ = framed(text, special=special, longest=longest)
    with autograd.no_grad():
        p = autograd.softmax(model(ids[None])).data[0, list(ids).index(special.mask)]
    best = np.argsort(-p)[:LIKELIEST]
    return [[symbol, round(float(p[i]), 4)] for symbol, i in zip(tokenizer.vocabulary.symbols(best), best, strict=True)]


def _looks(bert, tokenizer, text, special, longest):
    ids, _ = framed(tokenizer.encode(text), special=special, longest=longest)
    weights = bert.attention_weights(ids[None])[:, 0]
    return {"tokens": tokenizer.vocabulary.symbols(ids), "weights": (1000 * weights).round().astype(int).tolist()}


def attention_shares(bert, texts, special) -> list:
    """Each head's mean attention to: itself, the token before, the one after, [CLS], [SEP], the rest.   (L, H, 6)"""
    total, count = 0.0, 0
    for text in texts:
        ids, _ = framed(text, special=special, longest=bert.context)
        T = len(ids)
        weights = bert.attention_weights(ids[None])[:, 0, :, 1:-1]  # (L, H, T - 2, T): the text's tokens look
        q = np.arange(T - 2)
        parts = [weights[:, :, q, q + shift].sum(axis=-1) for shift in (1, 0, 2)]
        parts += [
            weights[:, :, 1:, 0].sum(axis=-1),
            weights[:, :, :-1, -1].sum(axis=-1),
        ]  # not where they are neighbours
        parts.append(weights.sum(axis=(-1, -2)) - sum(parts))
        total, count = total + np.stack(parts, axis=-1), count + T - 2
    return (total / count).round(4).tolist()


# --- Probing ----------------------------------------------------------------------------------------------------


class Dense(NamedTuple):
    """A full matrix (N, C) for LogisticRegression."""

    X: np.ndarray

    @property
    def shape(self):
        return self.X.shape

    def times(self, W):
        return self.X @ W

    def transposed_times(self, G):
        return self.X.T @ G


def word_beginnings(tokenizer) -> list[tuple[np.ndarray, np.ndarray]]:
    """Sentences of hsk as ids (T,), and for each token 1 where a word begins, 0 where it goes on, -1 for no word."""
    found = []
    for sentence in data.records("hsk"):
        text, place = sentence.chinese, 0
        begins = np.full(len(text), -1)
        for word in (word.chinese for word in sentence.words):
            place = text.find(word, place)
            if place < 0:
                break
            begins[place : place + len(word)] = [1] + [0] * (len(word) - 1)
            place += len(word)
        ids = tokenizer.encode(text)
        if place >= 0 and len(ids) == len(text) and (begins >= 0).any():
            found.append((ids, begins))
    return found


def probed(encoders, tokenizer, seed) -> dict:
    """Share of held-out characters of which logistic regression says rightly whether a word begins there."""
    rng, special = np.random.default_rng(seed), Special.of(tokenizer)
    sentences = word_beginnings(tokenizer)
    order = rng.permutation(len(sentences))
    learned, asked = ([sentences[i] for i in part] for part in (order[: len(order) // 2], order[len(order) // 2 :]))
    ids, labels = zip(*((np.concatenate([s[0] for s in part]), np.concatenate([s[1] for s in part]))
                        for part in (learned, asked)), strict=True)  # fmt: skip
    kept = [part >= 0 for part in labels]
    ids, labels = ([a[k] for a, k in zip(pair, kept, strict=True)] for pair in (ids, labels))
    right = {"majority": float((labels[1] == np.bincount(labels[0]).argmax()).mean())}
    counts = np.zeros((len(tokenizer), 2))
    np.add.at(counts, (ids[0], labels[0]), 1)
    counts += 0.5 * np.bincount(labels[0]) / len(labels[0])  # a character not met before: the majority
    right["each character's majority"] = float((counts[ids[1]].argmax(axis=1) == labels[1]).mean())
    for name, encoder in encoders.items():
        table = encoder.embedding.table.data
        right[f"embedding, {name}"] = _probe([table[part] for part in ids], labels)
        hidden = [_hidden(encoder, part, special)[k] for part, k in zip((learned, asked), kept, strict=True)]
        right[f"hidden states, {name}"] = _probe(hidden, labels)
    right["hidden states, pre-trained, labels shuffled"] = _probe(hidden, [rng.permutation(labels[0]), labels[1]])
    return {"right": right, "characters": [len(part) for part in labels], "sentences": [len(learned), len(asked)]}


def _hidden(encoder, sentences, special, batch=64):
    found = []
    for start in range(0, len(sentences), batch):
        rows = [framed(ids, special=special, longest=encoder.context) for ids, _ in sentences[start : start + batch]]
        with autograd.no_grad(), evaluating(encoder):
            hidden = encoder(*padded(rows, special.pad)).data
        found += [h[1 : len(ids) - 1] for h, (ids, _) in zip(hidden, rows, strict=True)]
    return np.concatenate(found)


def _probe(x, labels) -> float:
    mean, deviation = x[0].mean(axis=0), x[0].std(axis=0) + 1e-6
    learned, asked = (Dense(((part - mean) / deviation).astype(np.float64)) for part in x)
    model = models.LogisticRegression(2, decay=1e-4).fit(learned, labels[0])
    return float((model.log_probs(asked).argmax(axis=1) == labels[1]).mean())

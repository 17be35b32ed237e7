"""What holds for every encoder-decoder; and each check rejects a model for which it does not hold."""

import itertools

import numpy as np
import pytest

from minilm import data, generate, training
from minilm.autograd import log_softmax, no_grad
from minilm.models import EncoderDecoder, PointerGenerator, Seq2Seq

VS, PAD, V, B, S, T = 10, 9, 7, 4, 6, 5
SMALL = {"width": 16, "layers": 2, "heads": 2, "context": 12}


def pointer(source_vocabulary, vocabulary, *, pad, rng, **settings):
    """One vocabulary for both sides; words that it lacks: test_pointer.py."""
    known = max(source_vocabulary, vocabulary)
    return PointerGenerator(known, room=0, pad=pad, embedding=12, width=16, attention=8, rng=rng, **settings)


SETTINGS = {
    "none": (Seq2Seq, {"attention": "none", "embedding": 12, "width": 16}),
    "none, one direction": (Seq2Seq, {"attention": "none", "width": 16, "bidirectional": False}),
    "additive": (Seq2Seq, {"attention": "additive", "embedding": 12, "width": 16, "layers": 2}),
    "additive, rnn": (Seq2Seq, {"attention": "additive", "width": 16, "cell": "rnn"}),
    "dot, lstm": (Seq2Seq, {"attention": "dot", "width": 16, "cell": "lstm", "layers": 2}),
    "pointer": (pointer, {}),
    "Transformer": (EncoderDecoder, SMALL),
    "Transformer, scaled": (EncoderDecoder, SMALL | {"scaled": True}),
    "Transformer, learned, shared": (EncoderDecoder, SMALL | {"positions": "learned", "shared": True}),
    "Transformer, rotary, post-norm": (EncoderDecoder, SMALL | {"positions": "rotary", "pre_norm": False}),
}
LOOKING = sorted(set(SETTINGS) - {"none", "none, one direction"})
TRANSFORMERS = [name for name in SETTINGS if name.startswith("Transformer")]
every_model = pytest.mark.parametrize("name", sorted(SETTINGS))
every_model_that_looks = pytest.mark.parametrize("name", LOOKING)


def build(name, vocabulary=V, source_vocabulary=VS, pad=PAD, seed=0, kind=None):
    model, settings = SETTINGS[name]
    if settings.get("shared"):
        source_vocabulary = vocabulary = max(vocabulary, source_vocabulary)
    model = (kind or model)(source_vocabulary, vocabulary, pad=pad, **settings, rng=np.random.default_rng(seed))
    if kind:
        return model
    for number, tensor in enumerate(model.parameters()):  # biases and norms that are not as they start
        tensor.data = tensor.data + 0.1 * np.random.default_rng(number).standard_normal(tensor.shape, np.float32)
    return model


def example(seed=1):
    """Sources of lengths 6, 3, 5, 1, filled up with PAD, and texts."""
    rng = np.random.default_rng(seed)
    source, ids = rng.integers(PAD, size=(B, S)), rng.integers(V, size=(B, T))
    return np.where(data.length_mask([6, 3, 5, 1], S), source, PAD), ids


def log_probs(model, source, ids):
    with no_grad():
        return log_softmax(model(source, ids)).data


# models that are wrong in ways that have happened


class SeesPadding(EncoderDecoder):
    def _encode(self, source):
        return super()._encode(source)._replace(memory_mask=np.ones(source.shape, bool))


class ReadsPadding(Seq2Seq):
    """Its fixed vector is the state after the padding."""

    def _encode(self, source):
        self.pad, pad = -1, self.pad
        state = super()._encode(source)
        self.pad = pad
        return state


class Leaking(EncoderDecoder):
    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.decoder.causal = False


class IgnoresTheSource(Seq2Seq):
    def _encode(self, source):
        return super()._encode(np.where(source == self.pad, source, 0))


class Forgetful(EncoderDecoder):
    """A step sees the last token alone."""

    def step(self, ids, state):
        return super().step(ids, state._replace(past=None))


class LeavesTheMemoryBehind(EncoderDecoder):
    """The texts are put in order, what is known of their sources is not."""

    def reorder(self, state, rows):
        mixed = np.arange(len(rows)) % len(state.memory_mask)
        moved, left = super().reorder(state, rows), super().reorder(state, mixed)
        return left._replace(past=moved.past)


# distributions


@every_model
def test_distributions_sum_to_one(name):
    model = build(name)
    probs = np.exp(log_probs(model, *example()))
    assert probs.shape == (B, T, model.vocabulary)
    np.testing.assert_allclose(probs.sum(axis=-1), 1, rtol=1e-5)


def influence(model, t):
    """How much the log-probabilities before place t, and from t on, change when all tokens from t on do."""
    source, ids = example()
    other = np.hstack([ids[:, :t], (ids[:, t:] + 1) % V])
    change = np.abs(log_probs(model, source, ids) - log_probs(model, source, other))
    return change[:, :t].max(), change[:, t:].max()


@every_model
@pytest.mark.parametrize("t", [1, 3, T - 1])
def test_a_later_token_never_changes_an_earlier_probability(name, t):
    earlier, later = influence(build(name), t)
    assert earlier < 1e-6
    assert later > 1e-3


def test_the_check_of_causality_rejects_a_leaking_mask():
    assert influence(build("Transformer", kind=Leaking), 3)[0] > 1e-3


def least_influence_of_the_source(model):
    """Change one source token at a time: how much each changes each place of the text, at least."""
    source, ids = example()
    full, least = log_probs(model, source, ids), np.inf
    for s in range(S):
        other = np.where((np.arange(S) == s) & (source != PAD), (source + 1) % PAD, source)
        change = np.abs(log_probs(model, other, ids) - full).max(axis=2)  # (B, T)
        least = min(least, change[source[:, s] != PAD].min())
    return least


@every_model
def test_any_source_token_can_change_any_probability(name):
    assert least_influence_of_the_source(build(name)) > 1e-6


def test_the_check_of_influence_rejects_a_model_that_ignores_the_source():
    assert least_influence_of_the_source(build("additive", kind=IgnoresTheSource)) == 0


def padding_error(model):
    """How much the log-probabilities change without a source's padding, and with more of it."""
    source, ids = example()
    full = log_probs(model, source, ids)
    more = np.hstack([source, np.full((B, 3), PAD)])
    errors = [np.abs(log_probs(model, more, ids) - full).max()]
    for b in range(B):
        alone = log_probs(model, source[b : b + 1][:, source[b] != PAD], ids[b : b + 1])
        errors.append(np.abs(alone[0] - full[b]).max())
    return max(errors)


@every_model
def test_padding_of_the_source_changes_nothing(name):
    assert padding_error(build(name)) < 2e-6


@pytest.mark.parametrize(("name", "kind"), [("Transformer", SeesPadding), ("none", ReadsPadding)])
def test_the_check_of_padding_rejects_a_model_that_sees_it(name, kind):
    assert padding_error(build(name, kind=kind)) > 1e-3


@every_model
def test_padding_of_the_text_changes_nothing(name):
    model, (source, ids) = build(name), example()
    targets = np.where(data.length_mask([5, 2, 4, 1], T), np.roll(ids, -1, axis=1), -1)
    loss = model.loss(source, ids, targets).item()
    filled = np.where(targets == -1, (ids + 3) % V, ids)
    longer = [np.hstack([part, np.full((B, 2), fill)]) for part, fill in ((filled, 0), (targets, -1))]
    assert model.loss(source, *longer).item() == pytest.approx(loss, abs=1e-6)


@every_model
@pytest.mark.parametrize("rows", [[2, 0, 3, 1], [1], [3, 3, 0, 1, 2, 0]], ids=["order", "one alone", "repeated"])
def test_batch_order_and_batch_size_change_nothing(name, rows):
    model, (source, ids) = build(name), example()
    found = log_probs(model, source[rows], ids[rows])
    np.testing.assert_allclose(found, log_probs(model, source, ids)[rows], atol=2e-6)


@every_model
def test_the_loss_is_the_mean_of_the_counted_targets(name):
    model, (source, ids) = build(name), example()
    targets = example(seed=2)[1]
    targets[0, 2:] = targets[2] = -1
    counted = targets != -1
    expected = -log_probs(model, source, ids)[counted, targets[counted]].mean()
    assert model.loss(source, ids, targets).item() == pytest.approx(expected, abs=1e-5)


# attention


@every_model_that_looks
def test_attention_rows_sum_to_one_and_padding_gets_none(name):
    source, ids = example()
    weights = build(name).attention_weights(source, ids)
    assert weights.shape[-3:] == (B, T, S) if weights.ndim == 3 else (weights.shape == (2, B, 2, T, S))
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
    padding = np.broadcast_to((source == PAD)[:, None] if weights.ndim == 3 else (source == PAD)[:, None, None],
                              weights.shape)  # fmt: skip
    assert weights[padding].max() < 1e-6
    assert weights[~padding].min() > 0


@every_model_that_looks
def test_a_later_token_never_changes_where_an_earlier_one_looks(name):
    model, (source, ids) = build(name), example()
    later = ids.copy()
    later[:, -1] = (later[:, -1] + 1) % V
    change = np.abs(model.attention_weights(source, ids) - model.attention_weights(source, later))
    assert change[..., :-1, :].max() < 1e-6
    assert change[..., -1, :].max() > 1e-6


@every_model_that_looks
def test_a_source_of_one_token_is_all_there_is_to_look_at(name):
    source, ids = example()
    assert (build(name).attention_weights(source[:, :1], ids) > 1 - 1e-6).all()


def test_the_attention_weights_of_a_block_give_its_output():
    model, (source, ids) = build("Transformer"), example()
    with no_grad():
        memory, mask, _ = model._encode(source)
        block, x = model.decoder.blocks[0], model._embed(ids, model.embedding, model.positions)
        middle, _ = block._attend(x, None, True, None)
        looked = model.attention_weights(source, ids)[0] @ memory[0].values.data  # (B, H, T, D)
        expected = block.cross(block.cross_norm(middle), memory[0], mask[:, None, None])
        found = block.cross.out.W.data.T @ looked.swapaxes(1, 2).reshape(B, T, -1).swapaxes(1, 2)
    np.testing.assert_allclose(found.swapaxes(1, 2) + block.cross.out.b.data, expected.data, atol=1e-5)


def test_a_model_without_attention_has_no_weights():
    with pytest.raises(ValueError, match="built with attention 'none'"):
        build("none").attention_weights(*example())


# decoding


def cached_error(model, start):
    """The largest difference between writing on step by step from ids[:, :start] and reading all at once."""
    source, ids = example()
    full, given = log_probs(model, source, ids), model.given(source)
    found, state = given.start(ids[:, :start])
    errors = [np.abs(found - full[:, start - 1]).max()]
    for t in range(start, T):
        found, state = given.step(ids[:, t], state)
        errors.append(np.abs(found - full[:, t]).max())
    return max(errors)


@every_model
@pytest.mark.parametrize("start", [1, 3, T])
def test_a_cached_step_equals_the_full_pass(name, start):
    assert cached_error(build(name), start) < 2e-6


def test_the_check_of_steps_rejects_a_model_that_forgets():
    assert cached_error(build("Transformer", kind=Forgetful), 2) > 1e-3


def reorder_error(model, rows):
    """The largest difference between going on from reordered rows and starting afresh with these rows."""
    source, ids = example()
    chosen = np.arange(len(rows)) % V
    given = model.given(source)
    _, state = given.start(ids[:, :-1])
    _, state = given.step(ids[:, -1], state)
    found, _ = given.step(chosen, given.reorder(state, np.array(rows)))
    fresh, _ = model.given(source[rows]).start(np.hstack([ids[rows], chosen[:, None]]))
    return np.abs(found - fresh).max()


@every_model
@pytest.mark.parametrize("rows", [[2, 0, 1, 0], [3], [1, 1, 0, 2, 3, 3]], ids=["as many", "fewer", "more"])
def test_reordered_rows_go_on_with_their_own_sources(name, rows):
    assert reorder_error(build(name), rows) < 2e-6


def test_the_check_of_reordering_rejects_a_memory_left_behind():
    assert reorder_error(build("Transformer", kind=LeavesTheMemoryBehind), [2, 0, 1, 0]) > 1e-3


@every_model
def test_a_state_can_be_gone_on_from_twice(name):
    model, (source, ids) = build(name), example()
    _, state = model.start(ids, source)
    first, _ = model.step(ids[:, 0], state)
    model.step(ids[:, 1], model.reorder(state, np.array([3, 3, 0, 0])))
    again, _ = model.step(ids[:, 0], state)
    np.testing.assert_array_equal(first, again)


def exhaustive(model, source, start, end, depth):
    """(score, ids) of every text: `depth` tokens, or fewer with the end token last; best first."""
    found = []
    for length in range(1, depth + 1):
        texts = itertools.product(range(model.vocabulary), repeat=length)
        texts = np.array([ids for ids in texts if end not in ids[:-1] and (ids[-1] == end or length == depth)])
        read = np.hstack([np.full((len(texts), 1), start), texts[:, :-1]])
        steps = log_probs(model, np.repeat(source[None], len(texts), axis=0), read)
        scores = np.take_along_axis(steps, texts[..., None], axis=2).sum(axis=(1, 2)) / length
        found += zip(scores.tolist(), map(tuple, texts.tolist()), strict=True)
    return sorted(found, reverse=True)


@every_model
def test_a_wide_enough_beam_is_exhaustive_search(name):
    model = build(name, vocabulary=4, source_vocabulary=4, pad=3)
    assert model.vocabulary == 4
    for source in (np.array([0, 2, 1]), np.array([1])):
        expected = exhaustive(model, source, start=2, end=0, depth=3)
        found = generate.beam_search(
            model.given(source), [2], 3, num_beams=64, eos_token_id=0, num_return_sequences=len(expected)
        )
        assert len(expected) == 1 + 3 + 3 * 3 * 4
        np.testing.assert_allclose([h.score for h in found], [score for score, _ in expected], atol=1e-5)
        assert {tuple(h.ids.tolist()) for h in found} == {ids for _, ids in expected}
        assert tuple(found[0].ids.tolist()) == expected[0][1]


@every_model
def test_a_batch_of_sources_is_translated_as_each_alone(name):
    model, (source, _) = build(name), example()
    prompts = np.full((B, 1), 3)
    together = generate.greedy(model.given(source), prompts, 6, eos_token_id=0)
    beams = generate.beam_search(model.given(source), prompts, 6, num_beams=3, eos_token_id=0)
    for b in range(B):
        alone = model.given(source[b][source[b] != PAD])
        np.testing.assert_array_equal(generate.greedy(alone, [3], 6, eos_token_id=0), together[b])
        (best,) = generate.beam_search(alone, [3], 6, num_beams=3, eos_token_id=0)
        np.testing.assert_array_equal(best.ids, beams[b][0].ids)


@every_model
def test_texts_can_be_drawn(name):
    drawn = [
        generate.sample(build(name).given(example()[0]), np.full((B, 1), 3), 5, top_k=4, rng=np.random.default_rng(0))
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*drawn)
    assert np.shape(drawn[0]) == (B, 5)


# training

SENTENCES = {"我喜欢读书。": "I like to read", "今天天气真好!": "what a fine day", "读书": "read", "你好": "good day"}


@every_model
def test_a_model_learns_four_pairs_by_heart(name):
    chinese, english = list(SENTENCES), list(SENTENCES.values())
    source_tokenizer = data.CharTokenizer.train("".join(chinese))
    tokenizer = data.WordTokenizer.train("\n".join(english))
    shared = max(len(source_tokenizer), len(tokenizer))  # the special ids come after those of either side
    pad, start, end = shared, shared + 1, shared + 2
    pairs = data.Pairs(
        [source_tokenizer.encode(text) for text in chinese], [tokenizer.encode(text) for text in english],
        pad=pad, start=start, end=end, batch=4, seed=0,
    )  # fmt: skip
    model = build(name, vocabulary=shared + 3, source_vocabulary=shared + 3, pad=pad)
    training.Trainer(
        model, training.Adam(model.parameters(), 0.01), pairs, steps=150, validation=pairs, show_progress=False
    ).fit()
    assert training.mean_loss(model, pairs) < 0.1
    for text, translation in SENTENCES.items():
        ids = generate.greedy(model.given(source_tokenizer.encode(text)), [start], 9, eos_token_id=end)
        assert ids[-1] == end
        assert tokenizer.decode(ids[:-1]) == translation


def test_training_on_pairs_resumes_exactly(tmp_path):
    rng = np.random.default_rng(0)
    sources, targets = ([rng.integers(6, size=n) for n in rng.integers(1, 6, 20)] for _ in range(2))

    def trainer(steps, folder=None):
        pairs = data.Pairs(sources, targets, pad=PAD, start=5 + 1, end=6 + 1, batch=4, seed=0)
        settings = {"pad": PAD, "embedding": 8, "width": 8, "dropout": 0.2, "rng": np.random.default_rng(0)}
        model = Seq2Seq(VS, 8, **settings)
        optimizer = training.AdamW(model.parameters(), 0.01)
        return training.Trainer(model, optimizer, pairs, steps=steps, folder=folder, show_progress=False)

    whole, first, second = trainer(12), trainer(7, tmp_path), trainer(12, tmp_path)
    whole.fit()
    first.fit()
    second.load_checkpoint()
    second.fit()
    for name, array in whole.model.state_dict().items():
        np.testing.assert_array_equal(array, second.model.state_dict()[name])
    assert whole.log.columns()["tokens"][-1] == 12 * whole.windows.tokens_per_batch


def test_evaluation_predicts_each_target_once_and_divides_once():
    rng = np.random.default_rng(0)
    sources, targets = ([rng.integers(6, size=n) for n in rng.integers(1, 6, 11)] for _ in range(2))
    model = build("additive", vocabulary=8)
    nats, count = training.total_nats(
        model, data.Pairs(sources, targets, pad=PAD, start=6, end=7, batch=2, seed=0), batch=4
    )
    by_hand = 0.0
    for source, target in zip(sources, targets, strict=True):
        steps = log_probs(model, source[None], np.array([[6, *target]]))[0]
        by_hand -= steps[np.arange(len(target) + 1), [*target, 7]].sum()
    assert count == sum(len(target) + 1 for target in targets)
    assert nats == pytest.approx(by_hand, rel=1e-5)


# states, seeds, settings


@every_model
def test_the_seed_is_all_that_chance_does(name):
    same, other = (build(name, seed=seed).state_dict() for seed in (0, 1))
    for tensor, array in build(name).state_dict().items():
        np.testing.assert_array_equal(array, same[tensor])
    assert any((array != other[tensor]).any() for tensor, array in same.items())


@every_model
def test_settings_and_state_build_the_same_model_again(name):
    model = build(name)
    again = type(model)(**model.settings, rng=np.random.default_rng(7))
    again.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(log_probs(again, *example()), log_probs(model, *example()))


@every_model
def test_a_model_has_a_summary(name):
    assert len(build(name).summary().splitlines()) > 3


def test_a_shared_table_is_one_parameter_and_learns_from_source_text_and_output():
    model, (source, ids) = build("Transformer, learned, shared"), example()
    tables = [tensor.shape for name, tensor in model.named_parameters() if "table" in name and "positions" not in name]
    assert tables == [(VS, 16)]
    assert model.head is None
    model.loss(source[:, :1], ids[:, :1], np.full((B, 1), 8)).backward()
    assert (np.abs(model.embedding.table.grad).max(axis=1) > 0).all()  # every row, by way of the softmax


def test_scaled_embeddings_start_as_others_do_and_move_further():
    moved = {}
    for scaled in (False, True):
        model = EncoderDecoder(VS, V, pad=PAD, **SMALL | {"scaled": scaled}, rng=np.random.default_rng(0))
        source, ids = example()
        before = model.embedding(ids).data * model.scale
        model.loss(source, ids, ids).backward()
        training.Adam(model.parameters(), 1e-3).step()
        moved[scaled] = np.abs(model.embedding(ids).data * model.scale - before).mean(), before
    np.testing.assert_allclose(moved[True][1], moved[False][1], rtol=1e-5)
    assert moved[True][0] == pytest.approx(4 * moved[False][0], rel=0.05)  # √16


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_the_first_loss_is_about_that_of_guessing(name):
    """So embeddings and head have the right scale, tied or not."""
    kind, settings = SETTINGS[name]
    model = kind(100, 100, pad=99, **settings, rng=np.random.default_rng(0))
    rng = np.random.default_rng(1)
    loss = model.loss(rng.integers(99, size=(8, 9)), *rng.integers(100, size=(2, 8, 9))).item()
    assert loss == pytest.approx(np.log(100), rel=0.25)


# bad input

SOURCE, IDS = np.array([[1, 2, PAD]]), np.array([[1, 2]])


@every_model
@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([[]], r"source has shape \(1, 0\).* at least one token"),
        ([[PAD, PAD]], "source: row 0 begins with pad = 9"),
        ([[PAD, 1]], "source: row 0 begins with pad = 9"),
        ([[1, PAD, 2]], "source: a token follows pad = 9"),
        ([[1, 10]], "source: 10 is outside the vocabulary of 10"),
        ([[-1, 1]], "source: -1 is outside the vocabulary of 10"),
        ([[0.5, 1.0]], "source has dtype float64, expected integers"),
        (3, r"source has shape \(.*\)"),
        ([[1, 2], [3, 4]], "there are 2 sources but 1 rows of ids"),
    ],
    ids=["empty", "all padding", "padding first", "padding within", "too large", "negative", "floats", "a number",
         "another batch"],
)  # fmt: skip
def test_a_bad_source_is_named(name, source, message):
    model = build(name)
    with pytest.raises(ValueError, match=message):
        model(source, IDS)
    if not np.isscalar(source):  # a lone number is a source of one token for `given`
        with pytest.raises(ValueError, match=message):
            model.given(source).start(IDS)


@every_model
@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[1, VS]], "ids: 10 is outside the vocabulary of"),
        ([[-1, 1]], "ids: -1 is outside the vocabulary of"),
        ([[0.5, 1.0]], "ids has dtype float64, expected integers"),
        ([[]], r"ids has shape \(1, 0\).* at least one token"),
        ([1, 2], r"ids has shape \(2,\).* expected \(B, T\)"),
    ],
    ids=["too large", "negative", "floats", "empty", "one axis"],
)
def test_bad_ids_are_named(name, ids, message):
    with pytest.raises(ValueError, match=message):
        build(name)(SOURCE, ids)


@every_model
def test_bad_chosen_ids_are_named(name):
    model = build(name)
    _, state = model.start(IDS, SOURCE)
    with pytest.raises(ValueError, match=r"ids has shape \(2,\), expected \(1,\)"):
        model.step([1, 2], state)
    with pytest.raises(ValueError, match="10 is outside the vocabulary"):
        model.step([VS], state)


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_what_is_longer_than_the_context_is_named(name):
    model, long = build(name), np.zeros((1, 13), int)
    for source, ids in ((long, IDS), (SOURCE, long)):
        with pytest.raises(ValueError, match="a sequence of 13 tokens is longer than the context of 12"):
            model(source, ids)
    _, state = model.start(long[:, :12], SOURCE)
    with pytest.raises(ValueError, match="a sequence of 13 tokens is longer than the context of 12"):
        model.step([1], state)
    assert model(long[:, :12], long[:, :12]).shape[:2] == (1, 12)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (Seq2Seq, {"attention": "bahdanau"}, "attention is 'bahdanau', expected one of 'none', 'additive', 'dot'"),
        (Seq2Seq, {"width": 15}, "width 15 is odd"),
        (Seq2Seq, {"pad": 10}, "pad is 10; expected an id of the source's vocabulary, from 0 to 9"),
        (EncoderDecoder, {"pad": -1}, "pad is -1; expected an id of the source's vocabulary"),
        (Seq2Seq, {"cell": "cnn"}, "cell is 'cnn'"),
        (EncoderDecoder, {"positions": "absolute"}, "positions is 'absolute', expected one of"),
        (EncoderDecoder, {"shared": True}, "shared needs one vocabulary, but the source has 10, the text 7"),
        (EncoderDecoder, {"context": 0}, "context is 0; expected an integer, 1 or more"),
        (EncoderDecoder, {"width": 15, "heads": 4}, "width 15 is not a multiple of heads 4"),
    ],
)
def test_bad_settings_are_named(kind, settings, message):
    with pytest.raises(ValueError, match=message):
        kind(VS, V, **{"pad": PAD} | settings, rng=np.random.default_rng(0))

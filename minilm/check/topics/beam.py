"""Greedy decoding and beam search."""

import heapq

import numpy as np

from minilm import generate
from minilm.check.exercise import Exercise
from minilm.generate import Node
from minilm.generate.beam import _Beam


def _log_softmax(x):
    return x - np.logaddexp.reduce(x, axis=-1, keepdims=True)


class Table:
    """A model as a table: log-probabilities of the next token after the last two, table (V, V, V)."""

    def __init__(self, table):
        self.table, self.vocabulary = table, len(table)

    def start(self, prompt):
        """prompt (N, T) -> log_probs (N, V), state"""
        return self._after(prompt[:, -2:])

    def step(self, ids, state):
        """The tokens just chosen, ids (N,) -> log_probs (N, V), state"""
        return self._after(np.stack([state[:, 1], ids], axis=1))

    def reorder(self, state, rows):
        """The state of these rows, in that order."""
        return state[np.asarray(rows)]

    def _after(self, last_two):
        return self.table[last_two[:, 0], last_two[:, 1]], last_two

    def __repr__(self):
        return f"Table of {self.vocabulary} tokens"


# greedy


def _greedy_cases(rng):
    for V, T, max_new_tokens, ends in (
        (3, 1, 2, 1),
        (4, 2, 3, None),
        (5, 3, 6, 2),
        (4, 1, 1, None),
        (6, 2, 8, 3),
        (5, 3, 7, None),
    ):
        path = rng.permutation(V)  # the likeliest token after path[i] is path[i + 1]
        scores = rng.standard_normal((V, V))
        scores[path, np.roll(path, -1)] += 6
        prompt = rng.choice(path[1:], T)
        prompt[-1] = path[0]
        end = None if ends is None else int(path[ends])
        yield _log_softmax(scores), prompt, max_new_tokens, end


def _greedy(table, prompt, max_new_tokens, eos_token_id):
    model = Table(np.broadcast_to(table, (len(table), *table.shape)))
    return generate.greedy(model, np.concatenate([prompt[:1], prompt]), max_new_tokens, eos_token_id)


greedy = Exercise(
    name="greedy",
    statement="yₜ = argmaxᵥ table[yₜ₋₁, v], where y₀ is the prompt's last token: max_new_tokens new tokens, or "
    "fewer, up to and with the first eos_token_id that is written.",
    arguments={
        "table": "(V, V), table[u, v] = log p(v | u)",
        "prompt": "(T,) int",
        "max_new_tokens": "int",
        "eos_token_id": "int, or None: no token ends the text",
    },
    returns="ids of the new tokens",
    reference=generate.greedy,
    answer=_greedy,
    cases=_greedy_cases,
    hints=(
        "Keep the last token in a variable; it starts as the prompt's.",
        "In a loop: look up the last token's row, take its argmax, append it, and stop if it is the end token.",
        "for _ in range(max_new_tokens): last = int(table[last].argmax()); ids.append(last); at the end token break.",
    ),
)


def _walk(table, last, n):
    """n times the likeliest next token."""
    ids = [int(last)]
    for _ in range(n):
        ids.append(int(table[ids[-1]].argmax()))
    return ids[1:]


def _up_to(ids, end):
    return ids[: ids.index(end) + 1] if end in ids else ids


@greedy.variant
def in_a_loop(table, prompt, max_new_tokens, eos_token_id):
    ids, last = [], prompt[-1]
    while len(ids) < max_new_tokens:
        last = int(np.argmax(table[last]))
        ids.append(last)
        if last == eos_token_id:
            break
    return np.array(ids)


@greedy.variant
def written_then_cut(table, prompt, max_new_tokens, eos_token_id):
    return _up_to(_walk(table, prompt[-1], max_new_tokens), eos_token_id)


@greedy.variant
def recursive(table, prompt, max_new_tokens, eos_token_id):
    if max_new_tokens == 0:
        return []
    best = max(range(len(table)), key=lambda v: table[prompt[-1], v])
    return [best] + (
        [] if best == eos_token_id else recursive(table, [*prompt, best], max_new_tokens - 1, eos_token_id)
    )


@greedy.misconception("no token ended the text", "What does your loop do when it has just written the end token?")
def never_ends(table, prompt, max_new_tokens, eos_token_id):
    return _walk(table, prompt[-1], max_new_tokens)


@greedy.misconception(
    "the end token were not part of the result", "Do you look for the end before or after you append?"
)
def end_left_out(table, prompt, max_new_tokens, eos_token_id):
    return [token for token in written_then_cut(table, prompt, max_new_tokens, eos_token_id) if token != eos_token_id]


@greedy.misconception("the prompt were part of the result", "Which tokens are new?")
def prompt_returned(table, prompt, max_new_tokens, eos_token_id):
    return [*prompt.tolist(), *written_then_cut(table, prompt, max_new_tokens, eos_token_id)]


@greedy.misconception("every token followed the prompt's last", "What does the second new token depend on?")
def always_after_the_prompt(table, prompt, max_new_tokens, eos_token_id):
    return _up_to([int(table[prompt[-1]].argmax())] * max_new_tokens, eos_token_id)


@greedy.misconception(
    "the least likely token were taken", "Log-probabilities are negative: is the best the largest or smallest?"
)
def least_likely(table, prompt, max_new_tokens, eos_token_id):
    return written_then_cut(-table, prompt, max_new_tokens, eos_token_id)


# length_score


def _score_cases(rng):
    for N, length_penalty in ((2, 1.0), (1, 0.5), (3, 0.0), (4, 2.0), (6, 0.7), (5, 1.0)):
        lengths = rng.permutation(np.arange(1, 12))[:N]
        yield -lengths * rng.uniform(0.2, 3, N), lengths, length_penalty
    yield np.array([-4.0, -900.0]), np.array([1, 300 + int(rng.integers(100))]), 1.5


def _length_score(log_probs, lengths, length_penalty):
    return np.array([_hypothesis(*both, length_penalty).score for both in zip(log_probs, lengths, strict=True)])


def _hypothesis(log_prob, length, length_penalty):
    beam = _Beam(1, None)
    beam.search = [[Node(0 if step else None, 0, log_prob, True, False)] for step in range(length)]
    return beam._hypothesis(length - 1, 0, length_penalty)


length_score = Exercise(
    name="length_score",
    statement="score = log_prob / length^α: so hypotheses of different lengths are compared after a beam search.",
    arguments={
        "log_probs": "(N,), each the sum over a hypothesis's tokens",
        "lengths": "(N,) int, from 1",
        "length_penalty": "float, α ≥ 0",
    },
    returns="(N,)",
    reference=_Beam._hypothesis,
    answer=_length_score,
    cases=_score_cases,
    hints=(
        "With α = 1 the score is the mean log-probability of a token; with α = 0 it is log_prob itself.",
        "First raise the length to the power α, then divide.",
        "log_probs / lengths ** length_penalty.",
    ),
)


@length_score.variant
def quotient(log_probs, lengths, length_penalty):
    return log_probs / lengths**length_penalty


@length_score.variant
def by_logarithm(log_probs, lengths, length_penalty):
    return log_probs * np.exp(-length_penalty * np.log(lengths))


@length_score.variant
def one_by_one(log_probs, lengths, length_penalty):
    return [x / float(n) ** length_penalty for x, n in zip(log_probs, lengths, strict=True)]


@length_score.misconception("there were no division", "Which texts win if every token makes the sum smaller?")
def not_divided(log_probs, lengths, length_penalty):
    return log_probs.copy()


@length_score.misconception("it multiplied by length^α", "Log-probabilities are negative: does that help long texts?")
def multiplied(log_probs, lengths, length_penalty):
    return log_probs * lengths**length_penalty


@length_score.misconception("α were always 1", "What should the score be for α = 0?")
def always_the_mean(log_probs, lengths, length_penalty):
    return log_probs / lengths


@length_score.misconception("it divided by α · length", "What should the score be for α = 0?")
def divided_by_product(log_probs, lengths, length_penalty):
    return log_probs / (lengths * length_penalty)


@length_score.misconception(
    "it divided by ((5 + length) / 6)^α", "Whose formula is that, and which does the statement give?"
)
def of_google(log_probs, lengths, length_penalty):
    return log_probs / ((5 + lengths) / 6) ** length_penalty


@length_score.misconception(
    "the mean were raised to α", "What is the root of a negative number, and what is under the power?"
)
def power_of_the_mean(log_probs, lengths, length_penalty):
    return (log_probs / lengths) ** length_penalty


# beam_step


def _step_cases(rng):
    yield np.zeros(1), _log_softmax(rng.standard_normal((1, 3))), 2
    yield np.zeros(1), _log_softmax(np.zeros((1, 4))), 3  # ties
    yield np.array([-0.1, -3.0]), _log_softmax(0.3 * rng.standard_normal((2, 3))), 2  # both from row 0
    yield np.array([-1.0]), np.zeros((1, 1)), 1
    for N, V, dtype in ((2, 4, float), (3, 5, np.float32), (4, 3, float), (5, 7, float)):
        yield -3 * rng.random(N), _log_softmax(2 * rng.standard_normal((N, V))).astype(dtype), N


def _expanded(so_far, log_probs, num_beams, eos_token_id=None):
    """minilm's beam after one step, and the rows and tokens that go on."""
    beam = _Beam(num_beams, eos_token_id)
    beam.search = [[Node(None, 0, float(log_prob), True, False) for log_prob in so_far]]
    beam.live = list(range(len(so_far)))
    return beam, *beam.grow(log_probs)


def _step(so_far, log_probs, num_beams):
    beam, rows, tokens = _expanded(so_far, log_probs, num_beams)
    return rows, tokens, np.array([beam.search[-1][i].log_prob for i in beam.live])


beam_step = Exercise(
    name="beam_step",
    statement="total[n, v] = so_far[n] + log_probs[n, v]: of all N V expansions the num_beams highest, best first, the "
    "lower row and then the lower token first among equals.",
    arguments={
        "so_far": "(N,), log-probabilities of the hypotheses in the beam",
        "log_probs": "(N, V), of their next tokens",
        "num_beams": "int, at most N V",
    },
    returns="rows, tokens, totals: three arrays (num_beams,)",
    reference=_Beam.grow,
    answer=_step,
    cases=_step_cases,
    hints=(
        "Two of the new hypotheses may come from the same old one, and an old one may have no successor at all.",
        "Make one flat list of the N V totals, find the best places in it, and work out row and token from the place.",
        "best = np.argsort(-totals.ravel(), kind='stable')[:num_beams]; rows, tokens = np.divmod(best, V).",
    ),
)


def _best(totals, n):
    """(rows, tokens) of the n highest"""
    return np.divmod(np.argsort(-totals.ravel(), kind="stable")[:n], totals.shape[1])


def _totals(so_far, log_probs):
    return np.asarray(so_far)[:, None] + log_probs


@beam_step.variant
def flat(so_far, log_probs, num_beams):
    totals = _totals(so_far, log_probs)
    rows, tokens = _best(totals, num_beams)
    return rows, tokens, totals[rows, tokens]


@beam_step.variant
def from_a_heap(so_far, log_probs, num_beams):
    N, V = log_probs.shape
    expansions = ((-float(so_far[n]) - float(log_probs[n, v]), n, v) for n in range(N) for v in range(V))
    costs, rows, tokens = zip(*heapq.nsmallest(num_beams, expansions), strict=True)
    return rows, tokens, [-cost for cost in costs]


@beam_step.variant
def best_taken_away(so_far, log_probs, num_beams):
    totals, found = _totals(so_far, log_probs), []
    for _ in range(num_beams):
        place = np.unravel_index(totals.argmax(), totals.shape)
        found.append((*place, totals[place]))
        totals[place] = -np.inf
    rows, tokens, best = map(np.array, zip(*found, strict=True))
    return rows, tokens, best


@beam_step.misconception("only the last token's log-probability counted", "How likely is the text before that token?")
def not_summed(so_far, log_probs, num_beams):
    return flat(np.zeros_like(so_far), log_probs, num_beams)


@beam_step.misconception(
    "each hypothesis were followed by its own best token", "May one hypothesis have two successors?"
)
def best_of_each(so_far, log_probs, num_beams):
    tokens = log_probs.argmax(axis=1)
    totals = so_far + log_probs.max(axis=1)
    order = np.argsort(-totals, kind="stable")[:num_beams]
    return order, tokens[order], totals[order]


@beam_step.misconception("a row of the totals had num_beams entries, not V", "How many expansions does each row have?")
def wrong_divisor(so_far, log_probs, num_beams):
    totals = _totals(so_far, log_probs).ravel()
    best = np.argsort(-totals, kind="stable")[:num_beams]
    return *np.divmod(best, num_beams), totals[best]


@beam_step.misconception("the lowest totals were the best", "In which direction does argsort sort?")
def worst_first(so_far, log_probs, num_beams):
    rows, tokens, totals = flat(-so_far, -log_probs, num_beams)
    return rows, tokens, -totals


@beam_step.misconception("rows and tokens were exchanged", "Of place // V and place % V, which is the row?")
def exchanged(so_far, log_probs, num_beams):
    rows, tokens, totals = flat(so_far, log_probs, num_beams)
    return tokens, rows, totals


# beam_step_with_end


def _end_cases(rng):
    for N, V, num_beams, dtype in (
        (1, 3, 2, float),
        (2, 3, 2, float),
        (2, 4, 3, float),
        (3, 5, 3, np.float32),
        (4, 6, 4, float),
    ):
        end = int(rng.integers(V))
        scores = rng.uniform(0, 1, (N, V))
        scores[0] += np.where(np.arange(V) == (end + 1) % V, 3, 0)  # the best expansion of all goes on,
        scores[:, end] = [2, *rng.uniform(-3, -1, N - 1)]  # the second best ends, and so do unlikely ones
        yield np.array([0.0, *rng.uniform(-1.5, -1, N - 1)]), _log_softmax(scores).astype(dtype), num_beams, end
    yield np.array([-1.0]), _log_softmax(np.array([[0.0, rng.random() + 1, -9]])), 2, 2  # none ends


def _step_with_end(so_far, log_probs, num_beams, eos_token_id):
    beam, rows, tokens = _expanded(so_far, log_probs, num_beams, eos_token_id)
    return rows, tokens, np.array([beam.search[step][i].parent for step, i in beam.finished], int)


beam_step_with_end = Exercise(
    name="beam_step_with_end",
    statement="Rank all expansions by so_far[n] + log_probs[n, v]. The next beam are the num_beams best whose token is "
    "not eos_token_id; finished are those among the num_beams best of all whose token is.",
    arguments={
        "so_far": "(N,), N ≤ num_beams",
        "log_probs": "(N, V)",
        "num_beams": "int",
        "eos_token_id": "int",
    },
    returns="rows and tokens of the next beam, best first, and the rows of the finished",
    reference=_Beam.grow,
    answer=_step_with_end,
    cases=_end_cases,
    hints=(
        "A finished text is put aside; someone else takes its place in the beam.",
        "Rank all N V expansions; look for ends among the first num_beams, and go on down until the beam is full.",
        "rows, tokens = np.divmod(order, V); going = tokens != end; take rows[going][:num_beams], "
        "tokens[going][:num_beams], and rows[:num_beams][~going[:num_beams]].",
    ),
)


def _ranked(so_far, log_probs):
    return _best(_totals(so_far, log_probs), log_probs.size)


@beam_step_with_end.variant
def by_ranks(so_far, log_probs, num_beams, eos_token_id):
    rows, tokens = _ranked(so_far, log_probs)
    going = tokens != eos_token_id
    return rows[going][:num_beams], tokens[going][:num_beams], rows[:num_beams][~going[:num_beams]]


@beam_step_with_end.variant
def down_the_list(so_far, log_probs, num_beams, eos_token_id):
    rows, tokens, finished = [], [], []
    for rank, (n, v) in enumerate(zip(*_ranked(so_far, log_probs), strict=True)):
        if v == eos_token_id and rank < num_beams:
            finished.append(n)
        elif v != eos_token_id and len(rows) < num_beams:
            rows.append(n)
            tokens.append(v)
    return rows, tokens, finished


@beam_step_with_end.variant
def ends_apart(so_far, log_probs, num_beams, eos_token_id):
    totals = _totals(so_far, log_probs)
    ends = totals[:, eos_token_id].copy()
    least = np.sort(totals.ravel())[-num_beams:][0]
    totals[:, eos_token_id] = -np.inf
    rows, tokens = _best(totals, min(num_beams, totals.size - len(totals)))
    return rows, tokens, [n for n in np.argsort(-ends) if ends[n] >= least]


@beam_step_with_end.misconception("finished texts stayed in the beam", "Which tokens would follow an end token?")
def finished_go_on(so_far, log_probs, num_beams, eos_token_id):
    rows, tokens = _best(_totals(so_far, log_probs), num_beams)
    return rows, tokens, rows[tokens == eos_token_id]


@beam_step_with_end.misconception("the place of a finished text stayed empty", "How wide is the beam after this step?")
def beam_shrinks(so_far, log_probs, num_beams, eos_token_id):
    rows, tokens = _best(_totals(so_far, log_probs), num_beams)
    going = tokens != eos_token_id
    return rows[going], tokens[going], rows[~going]


@beam_step_with_end.misconception(
    "every end counted, however unlikely", "Which expansions could have been in the beam?"
)
def any_end(so_far, log_probs, num_beams, eos_token_id):
    rows, tokens = _ranked(so_far, log_probs)
    going = tokens != eos_token_id
    return rows[going][:num_beams], tokens[going][:num_beams], rows[~going]


@beam_step_with_end.misconception("the end token were forbidden", "How could a text of this beam ever be finished?")
def end_forbidden(so_far, log_probs, num_beams, eos_token_id):
    return *by_ranks(so_far, log_probs, num_beams, eos_token_id)[:2], np.array([], int)


@beam_step_with_end.misconception(
    "a hypothesis that can end did nothing else", "Its end is one of V expansions: what about its others?"
)
def ends_only(so_far, log_probs, num_beams, eos_token_id):
    rows, tokens, finished = by_ranks(so_far, log_probs, log_probs.size, eos_token_id)
    finished = by_ranks(so_far, log_probs, num_beams, eos_token_id)[2]
    others = ~np.isin(rows, finished)
    return rows[others][:num_beams], tokens[others][:num_beams], finished


# beam_search


def _search_cases(rng):
    yield _garden_path(rng), np.array([[3, 3]]), 3, 2
    yield _garden_path(rng), np.array([[3, 3]]), 3, 1  # two would find more
    for V, T, n, num_beams in ((2, 2, 2, 2), (3, 3, 3, 2), (2, 2, 3, 5), (5, 4, 5, 3), (4, 2, 6, 3)):
        yield Table(_log_softmax(1.5 * rng.standard_normal((V, V, V)))), rng.integers(V, size=(1, T)), n, num_beams


def _garden_path(rng):
    """After 3 3 the best three tokens are 0 2 0, but 0 1 looks better than 0 2, and 1 3 0 is good, too."""
    table = np.full((4, 4, 4), 0.25)
    table[3, 3] = 0.55, 0.35, 0.05, 0.05
    table[3, 0] = 0.02, 0.5, 0.46, 0.02
    table[3, 1] = 0.2, 0.2, 0.2, 0.4
    table[0, 2] = table[1, 3] = 0.94, 0.02, 0.02, 0.02
    table[1, 2] = 0.02, 0.02, 0.02, 0.94
    return Table(_log_softmax(np.log(table) + 0.04 * rng.random(table.shape)))


def _beam_search(model, prompt, max_new_tokens, num_beams):
    ids, log_prob, _ = generate.beam_search(model, prompt[0], max_new_tokens, num_beams=num_beams)[0]
    return ids, log_prob


beam_search = Exercise(
    name="beam_search",
    statement="Start from the prompt; in each step expand every hypothesis by every token and keep the num_beams with "
    "the highest sum of log-probabilities. In the end: the best hypothesis. No token ends a text.",
    arguments={
        "model": "start(prompt) and step(ids (N,), state) give (log_probs (N, V), state); reorder(state, rows) a state",
        "prompt": "(1, T) int",
        "max_new_tokens": "int",
        "num_beams": "int",
    },
    returns="ids (max_new_tokens,), and the sum of their log-probabilities",
    reference=generate.beam_search,
    answer=_beam_search,
    cases=_search_cases,
    hints=(
        "At first there is one hypothesis, nothing written yet; after a step up to num_beams, each from some row.",
        "What belongs to a row must move with it: its text, its sum, and the model's state (reorder).",
        "In each step: totals = sums[:, None] + log_probs; best places; rows, tokens = divmod(places, V); texts = "
        "[texts[r] + [v] ...]; log_probs, state = model.step(tokens, model.reorder(state, rows)).",
    ),
)


def _search(model, prompt, max_new_tokens, num_beams, step=flat, move_state=True, move_texts=True):
    """Beam search, `prompt` (1, T) or several copies, with the ways to spoil it."""
    log_probs, state = model.start(prompt)
    texts, sums = [[] for _ in prompt], np.zeros(len(prompt))
    for t in range(max_new_tokens):
        rows, tokens, sums = step(sums, log_probs, min(num_beams, log_probs.size))
        same = np.arange(len(rows)) % len(texts)
        texts = [[*texts[n], int(v)] for n, v in zip(rows if move_texts else same, tokens, strict=True)]
        if t < max_new_tokens - 1:
            log_probs, state = model.step(tokens, model.reorder(state, rows if move_state else same))
    best = int(np.argmax(sums))
    return np.array(texts[best]), sums[best]


@beam_search.variant
def with_state(model, prompt, max_new_tokens, num_beams):
    return _search(model, prompt, max_new_tokens, num_beams)


@beam_search.variant
def read_again_each_time(model, prompt, max_new_tokens, num_beams):
    texts, V, T = [(0.0, prompt[0].tolist())], model.vocabulary, prompt.shape[1]
    for _ in range(max_new_tokens):
        rows = [(total, text, model.start(np.array([text]))[0][0]) for total, text in texts]
        grown = [(total + p[v], [*text, v]) for total, text, p in rows for v in range(V)]
        texts = sorted(grown, key=lambda pair: -pair[0])[:num_beams]
    return np.array(texts[0][1][T:]), texts[0][0]


@beam_search.variant
def a_state_for_each(model, prompt, max_new_tokens, num_beams):
    log_probs, state = model.start(prompt)
    beam = [(0.0, [], log_probs[0], state)]
    for _ in range(max_new_tokens):
        grown = [(s + p[v], [*text, v], v, st) for s, text, p, st in beam for v in range(len(p))]
        beam = []
        for total, text, v, before in heapq.nlargest(num_beams, grown, key=lambda one: one[0]):
            log_probs, after = model.step(np.array([v]), before)
            beam.append((total, text, log_probs[0], after))
    return beam[0][1], beam[0][0]


@beam_search.misconception(
    "it began with num_beams copies of the prompt", "If all rows are the same, which expansions are the best num_beams?"
)
def copies_of_the_prompt(model, prompt, max_new_tokens, num_beams):
    return _search(model, np.repeat(prompt, num_beams, axis=0), max_new_tokens, num_beams)


@beam_search.misconception(
    "the model's state did not move with the rows", "Whose past does the model remember when row 1 now continues row 0?"
)
def state_not_reordered(model, prompt, max_new_tokens, num_beams):
    return _search(model, prompt, max_new_tokens, num_beams, move_state=False)


@beam_search.misconception(
    "the texts did not move with the rows",
    "To which text is a new token appended: that of its row, or that of its rank?",
)
def texts_not_reordered(model, prompt, max_new_tokens, num_beams):
    return _search(model, prompt, max_new_tokens, num_beams, move_texts=False)


@beam_search.misconception(
    "after the first step each hypothesis were followed by its own best token",
    "May one hypothesis have two successors?",
)
def best_of_each_beam(model, prompt, max_new_tokens, num_beams):
    def step(sums, log_probs, n):
        return (flat if len(sums) == 1 else best_of_each)(sums, log_probs, n)

    return _search(model, prompt, max_new_tokens, num_beams, step)


@beam_search.misconception("only the last token's log-probability counted", "How likely is the text before that token?")
def sums_forgotten(model, prompt, max_new_tokens, num_beams):
    return _search(model, prompt, max_new_tokens, num_beams, not_summed)

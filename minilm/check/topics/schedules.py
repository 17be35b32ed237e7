"""Schedules: warm-up, two ways down, and when to stop."""

import math
from types import SimpleNamespace

import numpy as np

from minilm.check.exercise import Exercise
from minilm.training import Trainer
from minilm.training.schedules import linear, warmup_cosine

# linear_schedule


def _schedule_cases(rng):
    warmup, final = rng.uniform(0.1, 0.4, 2).tolist()
    yield 0.75, 0.5, 0.0
    yield warmup / 4, warmup, final
    yield 0.0, warmup, final
    yield warmup, warmup, final
    yield warmup + rng.uniform(0.1, 0.4) * (1 - warmup), warmup, final
    yield warmup + rng.uniform(0.6, 0.9) * (1 - warmup), warmup, final
    yield 1.0, warmup, final
    yield 0.0, 0.0, final  # no warm-up: nothing to divide by
    yield rng.uniform(0.3, 0.7), 0.0, final


_ARGUMENTS = {
    "progress": "float, the part of training that has passed, 0 to 1",
    "warmup": "float, the part of training that the warm-up takes, 0 <= warmup < 1",
    "final": "float, the part of the full rate that is left at the end",
}

linear_schedule = Exercise(
    name="linear_schedule",
    statement="The part of the full learning rate: progress / warmup while progress < warmup, so up from 0; "
    "then along a line, 1 - (1 - final) r, where r goes from 0 to 1 over the rest of training.",
    arguments=_ARGUMENTS,
    returns="float, 1 at the end of the warm-up",
    reference=linear,
    answer=lambda progress, warmup, final: linear(warmup, final)(progress),
    cases=_schedule_cases,
    hints=(
        "Draw it: three points, (0, 0), (warmup, 1) and (1, final), and two lines.",
        "r is 0 where the warm-up ends and 1 where training ends: which part of the rest has passed?",
        "If progress < warmup: progress / warmup. Otherwise r = (progress - warmup) / (1 - warmup), "
        "and 1 - (1 - final) * r.",
    ),
)


def _rest(progress, warmup):
    return (progress - warmup) / (1 - warmup)


@linear_schedule.variant
def in_two_lines(progress, warmup, final):
    if progress < warmup:
        return progress / warmup
    return 1 - (1 - final) * (progress - warmup) / (1 - warmup)


@linear_schedule.variant
def interpolated(progress, warmup, final):
    return np.interp(progress, [0, warmup, 1], [0, 1, final]) if warmup else 1 + progress * (final - 1)


@linear_schedule.variant
def weighted_from_the_end(progress, warmup, final):
    left = (1 - progress) / (1 - warmup)
    down = left + final * (1 - left)
    return min(down, progress / warmup) if warmup and progress <= warmup else down


@linear_schedule.misconception(
    "the fall ran over all of training, not over what the warm-up leaves",
    "What is your rate just before the warm-up ends, and what just after?",
)
def fall_over_everything(progress, warmup, final):
    return progress / warmup if progress < warmup else 1 - (1 - final) * progress


@linear_schedule.misconception(
    "the rate fell to 0, whatever final is", "What should be left of the rate at progress 1?"
)
def fall_to_zero(progress, warmup, final):
    return progress / warmup if progress < warmup else 1 - _rest(progress, warmup)


@linear_schedule.misconception(
    "final were a floor: down towards 0, but never below final",
    "Where does your line meet final, and where should it?",
)
def final_as_floor(progress, warmup, final):
    return progress / warmup if progress < warmup else max(final, 1 - _rest(progress, warmup))


@linear_schedule.misconception("there were no warm-up before the fall", "How large should the very first rate be?")
def fall_without_warmup(progress, warmup, final):
    return 1.0 if progress < warmup else 1 - (1 - final) * _rest(progress, warmup)


@linear_schedule.misconception(
    "the warm-up started at final", "From which rate should the warm-up rise, and is it the one that the fall ends at?"
)
def warmup_from_final(progress, warmup, final):
    if progress < warmup:
        return final + (1 - final) * progress / warmup
    return 1 - (1 - final) * _rest(progress, warmup)


# cosine_schedule

cosine_schedule = Exercise(
    name="cosine_schedule",
    statement="The part of the full learning rate: progress / warmup while progress < warmup, so up from 0; "
    "then half a cosine, final + (1 - final) ½ (1 + cos π r), where r goes from 0 to 1 over the rest of training.",
    arguments=_ARGUMENTS,
    returns="float, 1 at the end of the warm-up",
    reference=warmup_cosine,
    answer=lambda progress, warmup, final: warmup_cosine(warmup, final)(progress),
    cases=_schedule_cases,
    hints=(
        "Work out the formula at r = 0, ½ and 1, with cos 0 = 1, cos ½π = 0 and cos π = -1.",
        "½ (1 + cos π r) goes from 1 to 0; it is stretched to go from 1 to final, over what the warm-up leaves.",
        "If progress < warmup: progress / warmup. Otherwise r = (progress - warmup) / (1 - warmup), "
        "and final + (1 - final) * 0.5 * (1 + math.cos(math.pi * r)).",
    ),
)


def _after(warmup, progress, fall):
    return progress / warmup if progress < warmup else fall


def _half_cosine(r):
    return 0.5 * (1 + math.cos(math.pi * r))


@cosine_schedule.variant
def as_the_formula(progress, warmup, final):
    if progress < warmup:
        return progress / warmup
    r = (progress - warmup) / (1 - warmup)
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * r))


@cosine_schedule.variant
def with_half_the_angle(progress, warmup, final):
    share = np.cos(np.pi / 2 * (progress - warmup) / (1 - warmup)) ** 2
    return np.where(progress < warmup, progress / (warmup or 1), share + (1 - share) * final)


@cosine_schedule.variant
def around_the_middle(progress, warmup, final):
    middle, swing = (1 + final) / 2, (1 - final) / 2
    falling = middle + swing * math.sin(math.pi * (0.5 - (progress - warmup) / (1 - warmup)))
    return falling if progress >= warmup else progress / warmup


@cosine_schedule.misconception(
    "the cosine ran over all of training, not over what the warm-up leaves",
    "What is your rate just before the warm-up ends, and what just after?",
)
def cosine_over_everything(progress, warmup, final):
    return _after(warmup, progress, final + (1 - final) * _half_cosine(progress))


@cosine_schedule.misconception(
    "the rate fell to 0, whatever final is", "What should be left of the rate at progress 1?"
)
def cosine_to_zero(progress, warmup, final):
    return _after(warmup, progress, _half_cosine(_rest(progress, warmup)))


@cosine_schedule.misconception(
    "final were added to the whole cosine, which still falls by 1",
    "How far must the rate fall, from 1, so that final is left?",
)
def final_on_top(progress, warmup, final):
    return _after(warmup, progress, final + _half_cosine(_rest(progress, warmup)))


@cosine_schedule.misconception(
    "the ½ before 1 + cos were missing", "How large is 1 + cos 0, and so the rate when the warm-up ends?"
)
def without_the_half(progress, warmup, final):
    return _after(warmup, progress, final + (1 - final) * 2 * _half_cosine(_rest(progress, warmup)))


@cosine_schedule.misconception("the angle were in degrees", "What does math.cos(180) give, and what did you expect?")
def in_degrees(progress, warmup, final):
    return _after(warmup, progress, final + (1 - final) * 0.5 * (1 + math.cos(180 * _rest(progress, warmup))))


@cosine_schedule.misconception(
    "it were a whole cosine, down and up again", "At which angle is a cosine lowest, and where in training is that?"
)
def whole_cosine(progress, warmup, final):
    return _after(warmup, progress, final + (1 - final) * _half_cosine(2 * _rest(progress, warmup)))


@cosine_schedule.misconception("there were no warm-up before the fall", "How large should the very first rate be?")
def cosine_without_warmup(progress, warmup, final):
    return final + (1 - final) * _half_cosine(max(0, _rest(progress, warmup)))


# early_stopping


def _early_stopping_cases(rng):
    yield [2.0, 1.0, 3.0, 4.0, 0.5], 2
    yield [rng.uniform(1, 2)], 1
    yield [5.0, 4.0, 4.5, 4.2, 3.0, 3.5, 3.6, 3.4, 3.3], 3
    yield sorted(rng.uniform(1, 5, 5).tolist(), reverse=True), 1
    yield [3.0, 2.0, 2.0, 2.0, 2.0, 1.0], 3  # a tie is no new best
    yield sorted(rng.uniform(1, 5, 6).tolist()), 2
    yield rng.uniform(1, 5, 12).tolist(), 3


class _Replay:
    """A model whose loss at each evaluation is known beforehand; its weights are their number."""

    window = 1

    def __init__(self, losses):
        self.losses, self.evaluation = losses, -1

    def loss(self, ids, targets):
        self.evaluation += 1
        return np.float64(self.losses[self.evaluation])

    def state_dict(self):
        return self.evaluation


def _early_stopping_answer(losses, patience):
    trainer = Trainer(_Replay(losses), SimpleNamespace(lr=1.0), None, steps=1, validation=[0, 0], patience=patience)
    made = 0
    while made < len(losses) and not trainer._out_of_patience():
        trainer.log.add(step=made)
        trainer._evaluate()
        made += 1
    return made, trainer.best_state


early_stopping = Exercise(
    name="early_stopping",
    statement="Training ends after `patience` evaluations in a row without a new best, a loss < all before it; or "
    "when the losses are used up. How many evaluations were made, and which was the best of them?",
    arguments={
        "losses": "list of float, the validation loss of each evaluation, should training get that far",
        "patience": "int, at least 1",
    },
    returns="(int, int): the number of evaluations made, and the index of the best, counted from 0",
    reference=Trainer._evaluate,
    answer=_early_stopping_answer,
    cases=_early_stopping_cases,
    hints=(
        "Take [2, 1, 3, 4, 0.5] and patience 2, and say after each loss what the best is and how long ago it was.",
        "Two things are remembered: the best loss (with its index), and how many evaluations have passed since.",
        "if loss < best: best, best_at, waited = loss, i, 0; otherwise waited += 1, and stop when waited == patience.",
    ),
)


@early_stopping.variant
def with_a_counter(losses, patience):
    best, best_at, waited, made = math.inf, 0, 0, 0
    for loss in losses:
        if loss < best:
            best, best_at, waited = loss, made, 0
        else:
            waited += 1
        made += 1
        if waited >= patience:
            break
    return made, best_at


@early_stopping.variant
def by_looking_back(losses, patience):
    for made in range(1, len(losses) + 1):
        seen = losses[:made]
        best_at = seen.index(min(seen))
        if made - 1 - best_at == patience:
            break
    return made, best_at


@early_stopping.variant
def from_running_minima(losses, patience):
    lowest = np.minimum.accumulate(losses)
    best_at = np.array([np.argmax(lowest == value) for value in lowest])
    tired = np.flatnonzero(np.arange(len(losses)) - best_at >= patience)
    last = tired[0] if tired.size else len(losses) - 1
    return last + 1, best_at[last]


def _stopped(losses, patience, *, forgets=True, is_new_best=lambda loss, seen: loss < min(seen, default=math.inf)):
    """How many evaluations are made, for a notion of a new best."""
    waited = 0
    for i, loss in enumerate(losses):
        if is_new_best(loss, losses[:i]):
            waited = 0 if forgets else waited
        else:
            waited += 1
        if waited >= patience:
            return i + 1
    return len(losses)


def _best(losses):
    return losses.index(min(losses))


@early_stopping.misconception(
    "patience were one more than it is", "With patience 1, how many evaluations without a new best are too many?"
)
def one_more(losses, patience):
    made = _stopped(losses, patience + 1)
    return made, _best(losses[:made])


@early_stopping.misconception(
    "each loss were compared with the one before it, not with the best",
    "Is a loss that falls from 4.5 to 4.2 a new best, if 4.0 has been seen?",
)
def against_the_last(losses, patience):
    made = _stopped(losses, patience, is_new_best=lambda loss, seen: not seen or loss < seen[-1])
    return made, _best(losses[:made])


@early_stopping.misconception(
    "the count went on after a new best", "What should a new best do to the number of evaluations without one?"
)
def never_reset(losses, patience):
    made = _stopped(losses, patience, forgets=False)
    return made, _best(losses[:made])


@early_stopping.misconception(
    "a loss as low as the best were a new best", "Has the model become better when its loss is exactly what it was?"
)
def ties_are_better(losses, patience):
    made = _stopped(losses, patience, is_new_best=lambda loss, seen: loss <= min(seen, default=math.inf))
    return made, made - 1 - losses[:made][::-1].index(min(losses[:made]))


@early_stopping.misconception(
    "the last evaluation were the one to return to", "Why was training stopped, and what had happened by then?"
)
def last_is_best(losses, patience):
    made = _stopped(losses, patience)
    return made, made - 1


@early_stopping.misconception(
    "the best were looked for among all losses, also those after the end",
    "Which of the losses are known at the moment when training ends?",
)
def sees_the_future(losses, patience):
    return _stopped(losses, patience), _best(losses)

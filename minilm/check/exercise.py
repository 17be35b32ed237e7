"""An exercise: what is asked, the reference that answers it, cases to try it on, and the ways people get it wrong."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Cases = Callable[[np.random.Generator], Iterable[tuple]]


@dataclass(frozen=True)
class Misconception:
    """A wrong implementation, the sentence that names it, and the question that leads on."""

    name: str
    says: str  # completes "Your function behaves exactly as if ..."
    asks: str
    wrong: Callable


@dataclass
class Exercise:
    """One function that a learner writes.

    Correct solutions and misconceptions are attached by decorators, each written as a learner might write it:

        @attention.variant
        def with_einsum(q, k, v, mask): ...

        @attention.misconception("the scores were not divided by √D", "What happens to the softmax when D grows?")
        def unscaled(q, k, v, mask): ...

    Parameters
    ----------
    name : str
        Of the function, and of the exercise.
    statement : str
        What it is to do, with the formula.
    arguments : dict
        Each argument's name, and its shape or type in words; their order is that of the cases.
    returns : str
        The shape or type of the result.
    reference : callable
        minilm's own function, which `check.reveal` shows.
    cases : callable
        From a random generator to argument tuples: first small enough to work by hand, then awkward.
    hints : three strings
        The first a nudge, the last all but the line of code.
    answer : callable, optional
        The reference called with a case's arguments, where it wants them in another form.
    """

    name: str
    statement: str
    arguments: dict[str, str]
    returns: str
    reference: Callable
    cases: Cases
    hints: tuple[str, str, str]
    answer: Callable | None = None
    variants: list[Callable] = field(default_factory=list)
    misconceptions: list[Misconception] = field(default_factory=list)

    def expected(self, *arguments: Any) -> Any:
        """What the reference says."""
        return (self.answer or self.reference)(*arguments)

    def variant(self, function: Callable) -> Callable:
        """Attach a correct solution."""
        self.variants.append(function)
        return function

    def misconception(self, says: str, asks: str) -> Callable:
        """Attach a wrong solution: "Your function behaves exactly as if" says, and the question it asks."""

        def attach(wrong: Callable) -> Callable:
            self.misconceptions.append(Misconception(wrong.__name__, says, asks, wrong))
            return wrong

        return attach

    def stub(self) -> str:
        """The code a learner starts from."""
        shapes = "".join(f"\n    {name}: {what}" for name, what in self.arguments.items())
        arguments = ", ".join(self.arguments)
        return (
            f'def {self.name}({arguments}):\n    """{self.statement}\n{shapes}\n    returns: {self.returns}\n    """\n'
            "    ..."
        )

    def source(self) -> str:
        """The reference as it stands in minilm, and the functions of its file that it calls."""
        reference = inspect.unwrap(self.reference)
        return "\n\n".join(inspect.getsource(thing) for thing in [reference, *_called(reference, {reference})])


def _called(thing, seen) -> list[Callable]:
    """The functions of the same file that a function calls, and that these call."""
    found = []
    for name in getattr(getattr(thing, "__code__", None), "co_names", ()):
        callee = thing.__globals__.get(name)
        if inspect.isfunction(callee) and callee.__module__ == thing.__module__ and callee not in seen:
            seen.add(callee)
            found += [callee, *_called(callee, seen)]
    return found

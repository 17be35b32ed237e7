"""What tells one family of published models from another."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from minilm.expect import expect, expect_count
from minilm.nn import Module

from .names import Names, Published

MOST_ANGLES = 2**28  # of rotary positions, 2 GB


class Family(NamedTuple):
    """Models of one kind, as HuggingFace's transformers publish them.

    Attributes
    ----------
    sizes, numbers : dict
        Our setting -> its name in config.json: whole numbers from 1, and others.
    fixed : dict
        Name in config.json -> the values that it may have, the first if it is not there; all else is another model.
    prefix : str
        Before the names of a model that has a head.
    build : (config, names of the arrays, settings) -> model
        Without weights: its rng is None.
    names : model -> Names
        Without the prefix.
    config : model -> dict
        What belongs into config.json beside `sizes`, `numbers` and the first values of `fixed`.
    headed : tuple of str
        Beginnings of names that never have the prefix.
    optional : tuple of str
        Beginnings of names that may be missing, or there in vain.
    straight : tuple of str
        Ends of names of linear layers whose matrix is (inputs, outputs), as ours.
    complete : (model, names of the arrays) -> None
        Let what the file need not have begin, once all else is there.
    """

    sizes: dict[str, str]
    numbers: dict[str, str]
    fixed: dict[str, tuple]
    prefix: str
    build: Callable[[Mapping[str, Any], set[str], dict[str, Any]], Module]
    names: Callable[[Module], Names]
    config: Callable[[Module], dict[str, Any]]
    headed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    straight: tuple[str, ...] = ()
    complete: Callable[[Module, set[str]], None] = lambda model, names: None

    def laid_out(self, config: Mapping[str, Any], arrays: Mapping[str, Published]) -> Module:
        """The model that a configuration describes, without weights, and so almost without memory.

        Raises
        ------
        ValueError
            If the configuration lacks something, is of another model, or of one larger than the arrays.
        """
        settings = self._settings(config)
        _expect_possible(settings, sum(math.prod(array.shape) for array in arrays.values()))
        return self.build(config, set(arrays), settings)

    def _settings(self, config):
        lacking = [name for name in (self.sizes | self.numbers).values() if name not in config]
        if lacking:
            raise ValueError(f"the configuration lacks {', '.join(lacking)}")
        for name, allowed in self.fixed.items():
            value = config.get(name, allowed[0])
            expect(name, repr(value), value in allowed, " or ".join(map(repr, allowed)))
        for name in self.sizes.values():
            expect_count(name, config[name])
        for name in self.numbers.values():
            value = config[name]
            expect(name, repr(value), type(value) in (int, float) and 0 <= value < math.inf, "a number, 0 or more")
        return {ours: config[theirs] for ours, theirs in (self.sizes | self.numbers).items()}


def _expect_possible(settings, stored):
    """What a model is laid out in, vectors and rotary angles, is no larger than the weights that are to come."""
    width, layers = settings["width"], settings["layers"]
    vectors = settings["vocabulary"] + layers * (8 * width + 2 * settings.get("hidden", 4 * width))
    if vectors > max(stored, 100_000) or settings["context"] * width > MOST_ANGLES * settings["heads"]:
        raise ValueError(
            f"the configuration is of {layers:,} layers, {width:,} channels, {settings['vocabulary']:,} tokens and a "
            f"context of {settings['context']:,}, but the weights are {stored:,} numbers; take both from one model"
        )

"""Floor 5. Whole tasks on files of one's own: classify, answer, translate, summarize.

Each is a module, and `command.py` makes a command of it by these names:

    ABOUT, FORMAT          what it does, and what a file must look like, for --help
    OPTIONS                flags of its own, as argparse takes them; most have none
    read(path, skip_bad)   the examples of a file; wrong rows are an error that gives their lines, or passed over
    split(examples)        to learn from, and held out, such that nothing leaks
    Task                   a class: Task.train(examples, minutes=, steps=, seed=, folder=), .evaluate(examples),
                           .save(folder), Task.load(folder), and a call for one text
    told(task, options)    what is printed of a text
"""

from types import ModuleType

from . import answer, classify, summarize, translate

TASKS: dict[str, ModuleType] = {
    "classify": classify, "answer": answer, "translate": translate, "summarize": summarize
}  # fmt: skip

__all__ = ["TASKS"]

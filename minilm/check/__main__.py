"""`python -m minilm.check`: the list of exercises, the proof of the catalogue, and courses for nbgrader."""

import argparse
import sys
import time
from argparse import Namespace
from pathlib import Path

from . import course, report
from .topics import exercises


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments."""
    top = argparse.ArgumentParser(prog="python -m minilm.check", description=__doc__)
    commands = top.add_subparsers(title="commands", metavar="", required=True)
    for add in (_add_exercises, _add_report, _add_sample, _add_course, _add_reported):
        add(commands)
    return top


def _add_exercises(commands):
    commands.add_parser("exercises", help="list the exercises").set_defaults(run=list_exercises)


def _add_report(commands):
    told = "judge every misconception, correct variant and empty solution of the catalogue"
    command = commands.add_parser("report", help=told)
    command.set_defaults(run=make_report)
    command.add_argument("--markdown", type=Path, metavar="FILE", default=Path("check-report.md"),
                         help="where the table goes (default: check-report.md)")  # fmt: skip
    command.add_argument("--json", type=Path, metavar="FILE", help="also write the totals here")


def _add_sample(commands):
    command = commands.add_parser("sample", help="write a small notebook with some exercises")
    command.set_defaults(run=make_sample)
    command.add_argument("notebook", type=Path, metavar="NB")
    command.add_argument("names", nargs="+", metavar="EXERCISE")


def _add_course(commands):
    command = commands.add_parser("course", help="make an nbgrader course of notebooks, or add an assignment to one")
    command.set_defaults(run=make_course)
    command.add_argument("out", type=Path, metavar="OUT", help="the course's folder")
    command.add_argument("--notebooks", type=Path, nargs="+", required=True, metavar="NB")
    command.add_argument("--assignment", default="ps1", help="default: ps1")
    command.add_argument("--students", type=Path, metavar="CSV", help="with the columns id,last_name,first_name,email")
    command.add_argument("--timeout", type=int, default=180, metavar="S", help="seconds for a cell (default: 180)")


def _add_reported(commands):
    command = commands.add_parser("reported", help="after grading: who cheated, and what could not be graded")
    command.set_defaults(run=list_reported)
    command.add_argument("course", type=Path, metavar="COURSE")
    command.add_argument("--assignment", default="ps1", help="default: ps1")


def make_report(options: Namespace) -> bool:
    """Print and write the table; whether what the catalogue promises is kept."""
    started = time.perf_counter()
    rows = report.report()
    table, figures = report.markdown(rows), report.summary(rows)
    print(table)
    print(", ".join(f"{name.replace('_', ' ')} {number}" for name, number in figures.items()), end="; ")
    print(f"{time.perf_counter() - started:.0f} s")
    report.write(options.markdown, table)
    if options.json:
        report.write_json(options.json, figures)
    return report.kept(figures)


def make_sample(options: Namespace) -> bool:
    """Write a notebook with the exercises named."""
    course.write_sample(options.notebook, options.names)
    return True


def make_course(options: Namespace) -> bool:
    """Write the course's folder, and say what comes next."""
    chosen = {name: getattr(options, name) for name in ("assignment", "students", "timeout")}
    print(course.build(options.out, options.notebooks, **chosen))
    return True


def list_reported(options: Namespace) -> bool:
    """A line for each thing that a teacher should look at."""
    print("\n".join(course.reported(options.course, options.assignment)) or "nothing to report")
    return True


def list_exercises(options: Namespace) -> bool:
    """Names and statements."""
    for exercise in exercises().values():
        print(f"{exercise.name:<24} {exercise.statement}")
    return True


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 on success, 1 on an error or where the report finds a promise broken."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")
    options = parser().parse_args(arguments)
    try:
        return 0 if options.run(options) else 1
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

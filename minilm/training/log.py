"""The log of a training run: a row per step, kept as CSV."""

import csv
import math
from pathlib import Path

from minilm.files import replacing

COLUMNS = ("step", "seconds", "tokens", "learning_rate", "gradient_norm", "train_loss", "validation_loss")


class Log:
    """Rows of numbers under COLUMNS; a number that was not measured is NaN, and an empty cell in the file.

    >>> log = Log()
    >>> log.add(step=1, train_loss=4.2)
    >>> log.columns()["train_loss"]
    [4.2]
    """

    def __init__(self, rows: list[dict[str, float]] | None = None):
        self.rows = rows or []

    def add(self, **values: float) -> None:
        """Append a row; what is not given is NaN."""
        self.rows.append({column: values.get(column, math.nan) for column in COLUMNS})

    def columns(self) -> dict[str, list[float]]:
        """Column -> its numbers, for plots."""
        return {column: [row[column] for row in self.rows] for column in COLUMNS}

    def write(self, path: str | Path) -> None:
        """Write all rows as CSV."""
        with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows([_cell(row[column]) for column in COLUMNS] for row in self.rows)

    @classmethod
    def read(cls, path: str | Path, until_step: int) -> "Log":
        """The rows up to and with `until_step`.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, or it is damaged.
        """
        if not Path(path).is_file():
            raise FileNotFoundError(f"there is no log {path}, which stands beside each checkpoint; take a copy of both")
        try:
            with Path(path).open(encoding="utf-8", newline="") as file:
                rows = [{column: float(row[column] or math.nan) for column in COLUMNS} for row in csv.DictReader(file)]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is damaged ({type(error).__name__}: {error}); take a copy of the run") from error
        return cls([row for row in rows if row["step"] <= until_step])


def _cell(value):
    return "" if math.isnan(value) else int(value) if value == int(value) else repr(float(value))

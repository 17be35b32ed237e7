"""From what was measured to comparisons, one for each peer, and to the table."""

import statistics

import workloads
from turns import Columns

HEAD = ("workload", "minilm", "PyTorch eager, or other peer", "PyTorch compiled", "ratio (quartiles)",
        "ratio to compiled", "of the limit", "targets")  # fmt: skip


def comparisons(name: str, columns: Columns) -> list[dict]:
    """One for each peer: the ratio of minilm's seconds (or MiB) to its, a median over pairs, and whether that will do.

    Where there is no peer the ratio is that to one second. `met` is None where there is no target, or no peer on this
    machine; `why` then says what is missing.
    """
    ours = columns["minilm"]
    if isinstance(ours, str):
        return [{"workload": name, "peer": None, "ratio": None, "target": None, "met": None, "why": ours}]
    peers = {peer: theirs for peer, theirs in columns.items() if peer != "minilm"} or {None: [1.0] * len(ours)}
    return [compare(name, ours, peer, theirs) for peer, theirs in peers.items()]


def compare(name, ours, peer, theirs) -> dict:
    target = workloads.TARGETS.get((name, peer))
    row = {"workload": name, "peer": peer, "ratio": None, "target": target, "met": None}
    row["minilm"] = statistics.median(ours)
    if isinstance(theirs, str):
        return row | {"why": theirs}
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    low, ratio, high = quartiles(ratios)
    met = None if target is None else ratio <= target
    return row | {"ratio": ratio, "met": met, "quartiles": [low, high], "theirs": statistics.median(theirs)}


def quartiles(values) -> tuple[float, float, float]:
    return tuple(statistics.quantiles(values, method="inclusive")) if len(values) > 1 else (values[0],) * 3


def markdown(rows: list[dict]) -> str:
    """The table: a line for each workload."""
    names = list(dict.fromkeys(row["workload"] for row in rows))
    lines = [line([row for row in rows if row["workload"] == name]) for name in names]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [HEAD, ["---"] * len(HEAD), *lines]) + "\n"


def line(rows: list[dict]) -> list[str]:
    """The cells of one workload."""
    special = {row["peer"]: row for row in rows if row["peer"] in (workloads.COMPILED, workloads.PRODUCTS)}
    other = next((row for row in rows if row["peer"] not in special), rows[0])
    compiled, products = special.get(workloads.COMPILED), special.get(workloads.PRODUCTS)
    if "minilm" not in other:
        return [other["workload"], other["why"], *[""] * (len(HEAD) - 2)]
    return [
        other["workload"],
        amount(other["workload"], other["minilm"]),
        theirs(other),
        theirs(compiled),
        spread(other) if other["peer"] else "",
        spread(compiled),
        f"{1 / products['ratio']:.0%}" if products else "",
        "; ".join(map(verdict, (row for row in rows if row["target"]))),
    ]


def amount(name: str, value: float) -> str:
    """A measured value in the unit of its workload."""
    if name in workloads.NEW_TOKENS:
        return f"{workloads.NEW_TOKENS[name] / value:.0f} tokens/s"
    if name == "int8-quality":
        return f"{value:.4f} nats"
    if name == "peak-memory":
        return f"{value:.0f} MiB"
    return f"{1000 * value:.1f} ms" if value < 2 else f"{value:.2f} s"


def theirs(row: dict | None) -> str:
    if row is None or row["peer"] is None:
        return ""
    if "why" in row:
        return row["why"]
    named = "" if row["peer"] in (workloads.EAGER, workloads.COMPILED) else f"{row['peer']} "
    return named + amount(row["workload"], row["theirs"])


def spread(row: dict | None) -> str:
    if row is None or row["ratio"] is None:
        return ""
    low, high = row["quartiles"]
    return f"{row['ratio']:.2f} ({low:.2f} to {high:.2f})"


def verdict(row: dict) -> str:
    """What was aimed at, and whether it is reached."""
    reached = {True: "met", False: f"not met, {row['ratio'] or 0:.2f}", None: "not measured"}[row["met"]]
    if row["peer"] is None:
        return f"at most {row['target']:g} s: {reached}"
    return f"at most {row['target']:.2f} of {row['peer']}: {reached}"

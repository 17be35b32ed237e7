"""The table as a picture: a bar for each comparison, from equal to what minilm takes."""

from pathlib import Path


def draw(rows: list[dict], path: Path) -> None:
    """Ratios with their quartiles, on a logarithmic axis, and the targets. Imports minilm: call it after measuring."""
    from matplotlib.ticker import FixedLocator, StrMethodFormatter

    from minilm.plots.style import BLUE, GREY, INK, VERMILION, new_axes, quiet_frame

    rows = [
        row for row in rows if row["ratio"] is not None and row["peer"] is not None and "quality" not in row["workload"]
    ][::-1]
    if not rows:
        return
    colours = {True: BLUE, False: VERMILION, None: GREY}
    ax = new_axes(7, 1 + 0.28 * len(rows))[0]
    for place, row in enumerate(rows):
        low, high = row["quartiles"]
        ax.barh(place, row["ratio"] - 1, left=1, height=0.62, color=colours[row["met"]])
        ax.hlines(place, low, high, color=INK, linewidth=1.2)
        if row["target"]:
            ax.vlines(row["target"], place - 0.42, place + 0.42, color=INK, linewidth=2)
    ax.axvline(1, color=GREY, linewidth=0.8)
    ax.set_xscale("log")
    ax.set_xlabel("minilm / peer: left of 1 minilm takes less\nthick mark: target, thin line: quartiles")
    ax.set_yticks(range(len(rows)), [f"{row['workload']}  /  {row['peer']}" for row in rows])
    ax.xaxis.set_major_locator(FixedLocator([0.001, 0.01, 0.1, 0.25, 0.5, 1, 2, 4]))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.minorticks_off()
    quiet_frame(ax)
    ax.figure.savefig(path, dpi=150)

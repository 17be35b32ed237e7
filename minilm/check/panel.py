"""A verdict as HTML: a green, grey or red panel, and the target beside the learner's result as small heat maps."""

from html import escape

import numpy as np

from .words import NOT_YET, TITLE, case_lines, value_text

COLOUR = {"correct": "#1a7f37", "not attempted": "#6e7781"}
LIMIT = 8  # rows and columns of a heat map


def panel(verdict) -> str:
    """The verdict as one block of HTML that needs no style sheet, script or network."""
    colour = COLOUR.get(verdict.kind, "#cf222e")
    title = TITLE.get(verdict.kind, NOT_YET)
    parts = [f"<b>{escape(verdict.exercise.name)}: {title}</b><div>{escape(verdict.sentence)}</div>"]
    if verdict.arguments is not None:
        lines = "".join(f"<div>{escape(line)}</div>" for line in case_lines(verdict))
        parts.append(f"<details><summary>Smallest case that shows it</summary><code>{lines}</code></details>")
        parts.append(_side_by_side(verdict))
    parts += [f"<div><i>{escape(text)}</i></div>" for text in (verdict.question, verdict.note) if text]
    return f'<div role="status" style="border-left:6px solid {colour};padding:0.4em 1em">{"".join(parts)}</div>'


def _side_by_side(verdict) -> str:
    target, yours = _arrays(verdict.expected, verdict.got)
    if target is None:
        return ""
    low, high = float(np.nanmin(target)), float(np.nanmax(target))
    wrong = ~np.isclose(target, yours, rtol=1e-4, atol=1e-4 * (max(abs(low), abs(high)) or 1), equal_nan=True)
    tables = (_heat_map("target", target, low, high), _heat_map("yours", yours, low, high, wrong))
    return f'<div style="display:flex;gap:2em;overflow-x:auto">{"".join(tables)}</div>'


def _arrays(expected, got):
    """Both as matrices of the same shape, the part around the first difference; None if they are not such."""
    if isinstance(expected, tuple | list) and isinstance(got, tuple | list) and len(expected) == len(got):
        for a, b in zip(expected, got, strict=True):
            if value_text(a) != value_text(b):
                return _arrays(a, b)
    try:
        target, yours = np.asarray(expected, float), np.asarray(got, float)
    except (TypeError, ValueError):
        return None, None
    if target.shape != yours.shape or target.ndim == 0 or target.size == 0 or not np.isfinite(target).any():
        return None, None
    flat = [array.reshape(-1, array.shape[-1]) for array in (target, yours)]
    different = np.flatnonzero((flat[0] != flat[1]).any(axis=1))
    first = max(0, min(int(different[0]) if different.size else 0, len(flat[0]) - LIMIT))
    target, yours = (array[first : first + LIMIT, :LIMIT] for array in flat)
    return target, yours


def _heat_map(title, array, low, high, wrong=None) -> str:
    rows = "".join(
        "<tr>" + "".join(_cell(array[i, j], low, high, wrong is not None and wrong[i, j])
                         for j in range(array.shape[1])) + "</tr>"
        for i in range(array.shape[0])
    )  # fmt: skip
    return f"<table><caption>{title}</caption>{rows}</table>"


def _cell(value, low, high, wrong) -> str:
    part = 0.5 if not np.isfinite(value) or high == low else float(np.clip((value - low) / (high - low), 0, 1))
    style = f"background:rgba(9,105,218,{0.05 + 0.5 * part:.2f});padding:2px 6px;white-space:nowrap"
    style += ";outline:2px solid #cf222e;font-weight:bold" if wrong else ""
    return f'<td style="{style}">{"≠ " if wrong else ""}{value:.3g}</td>'

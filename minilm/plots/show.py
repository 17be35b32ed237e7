"""A picture in a notebook, with words for those who do not see it."""

import base64
import io
from typing import Any


class Picture:
    """A figure as PNG, and its description: the alternative text of exported pages, and the caption below it.

    >>> from matplotlib.figure import Figure
    >>> Picture(Figure(), "nothing yet")
    nothing yet
    """

    def __init__(self, figure: Any, description: str, dpi: int = 80):
        if not description.strip():
            raise ValueError("description is empty; say what the picture shows to someone who does not see it")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
        self.png, self.description = base64.b64encode(buffer.getvalue()).decode("ascii"), description

    def __repr__(self) -> str:
        return self.description

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"image/png": self.png, "text/plain": self.description}, {"image/png": {"alt": self.description}}


def show(drawing: Any, description: str, dpi: int = 80) -> None:
    """Display a figure, or the figure of some axes, and its description as a caption.

    Parameters
    ----------
    drawing : matplotlib Axes or Figure
    description : str
        What the picture shows: what is on its axes, and what one should see.
    dpi : int
        80 gives pictures of some 30 kB, legible at the width of a laptop.

    Raises
    ------
    ValueError
        If the description is empty.
    """
    import matplotlib.pyplot as plt
    from IPython.display import Markdown, display

    display(Picture(drawing.figure, description, dpi))
    display(Markdown(f"*{description}*"))
    plt.close(drawing.figure)  # or the notebook would draw it once more at the cell's end

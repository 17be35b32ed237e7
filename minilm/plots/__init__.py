"""Pictures: arrays in, matplotlib Axes out.

Every function draws on the axes it is given, or makes a figure that is legible 700 pixels wide, and returns the axes;
`ax.figure.savefig(path)` keeps it. Matplotlib is imported when the first picture is drawn, and its settings are left
as they were. Blue is what the picture is about, vermilion what it points at, grey the rest.
"""

from .attention import attention_heads, attention_map
from .beams import beam_tree
from .curves import loss_curve
from .embedding import embedding_scatter
from .graph import computation_graph, computation_graph_mermaid
from .show import Picture, show

__all__ = [
    "Picture",
    "attention_heads",
    "attention_map",
    "beam_tree",
    "computation_graph",
    "computation_graph_mermaid",
    "embedding_scatter",
    "loss_curve",
    "show",
]

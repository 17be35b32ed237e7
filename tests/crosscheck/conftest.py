"""The tests of this folder import torch_models.py beside them, and the examples of the operations."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "autograd")]
collect_ignore = ["torch_models.py"]  # it imports PyTorch

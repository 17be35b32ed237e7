"""The tests of this folder import torch_models.py beside them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
collect_ignore = ["torch_models.py"]  # it imports PyTorch

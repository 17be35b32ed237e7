"""The files of this folder import each other in tests as they do when make_golden.py is run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
collect_ignore = ["make_golden.py"]  # it imports PyTorch

"""Floor 4. Training: optimizers, schedules, the loop, and what it leaves behind."""

from . import schedules
from .arrays import load_arrays, save_arrays
from .checkpoint import CHECKPOINT
from .evaluation import mean_loss, total_nats
from .log import Log
from .optimizers import SGD, Adam, AdamW, Optimizer, RMSProp, clip_gradients
from .parallel import ALONE, Group, all_ranks
from .trainer import Trainer

__all__ = [
    "ALONE",
    "CHECKPOINT",
    "SGD",
    "Adam",
    "AdamW",
    "Group",
    "Log",
    "Optimizer",
    "RMSProp",
    "Trainer",
    "all_ranks",
    "clip_gradients",
    "load_arrays",
    "mean_loss",
    "save_arrays",
    "schedules",
    "total_nats",
]

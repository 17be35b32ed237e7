"""Floor 4. Training: optimizers, schedules, the loop, and what it leaves behind."""

from . import schedules
from .arrays import load_arrays, save_arrays
from .evaluation import mean_loss, total_nats
from .log import Log
from .optimizers import SGD, Adam, AdamW, Optimizer, RMSProp, clip_gradients
from .trainer import CHECKPOINT, Trainer

__all__ = [
    "CHECKPOINT",
    "SGD",
    "Adam",
    "AdamW",
    "Log",
    "Optimizer",
    "RMSProp",
    "Trainer",
    "clip_gradients",
    "load_arrays",
    "mean_loss",
    "save_arrays",
    "schedules",
    "total_nats",
]

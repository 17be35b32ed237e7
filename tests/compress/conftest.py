"""No test of this room fails because the machine is busy, or a kernel is being compiled."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

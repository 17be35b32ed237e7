"""The timings are a script, not tests."""

collect_ignore = ["run.py"]

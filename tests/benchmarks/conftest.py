"""The timings are scripts, not tests."""

collect_ignore = ["run.py", "ours.py", "text.py", "theirs.py", "workloads.py"]

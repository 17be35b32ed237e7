"""The timings are scripts, not tests."""

collect_ignore = ["run.py", "scaling.py", "ours.py", "theirs.py", "workloads.py"]

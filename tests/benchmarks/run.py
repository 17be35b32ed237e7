"""minilm against its peers on the same CPU: `python tests/benchmarks/run.py` (needs the extra `crosscheck`).

Measured in pairs, in turn, each library in a process of its own (turns.py). The ratio is the median over the pairs;
below 1 minilm takes less. The limit of a training step is its matrix products alone, through NumPy (products.py).
The table and a picture of it are left in a folder.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import picture
import rows
import table


def main() -> None:
    options = read_options()
    measured = []
    for name in options.only or rows.ROWS:
        measured += table.comparisons(name, rows.ROWS[name](options.pairs))
        print(
            "  ".join(cell for cell in table.line([row for row in measured if row["workload"] == name]) if cell),
            flush=True,
        )
    options.out.mkdir(parents=True, exist_ok=True)
    write(options.out / "table.md", table.markdown(measured))
    write(options.json or options.out / "rows.json", json.dumps(measured, indent=2) + "\n")
    picture.draw(measured, options.out / "table.png")
    print(f"\n{table.markdown(measured)}\n{options.pairs} pairs; table.md and table.png are in {options.out}")


def read_options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", choices=rows.ROWS, action="append", metavar="NAME", help="one row; may be repeated")
    options.add_argument("--pairs", type=int, default=31)
    options.add_argument("--json", type=Path, metavar="FILE", help="workload, peer, ratio, target, met of each row")
    options.add_argument("--out", type=Path, metavar="FOLDER", default=Path("runs/benchmarks"))
    return options.parse_args()


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()

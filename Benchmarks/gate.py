#!/usr/bin/env python3
"""Fails when the hot path needs more instructions or heap allocations than `thresholds.txt` allows.

Counted, never timed: callgrind counts the instructions of the recording thread in two runs of one row that differ in length,
so that what a process needs to start falls out. Usage: gate.py FOLDER, where the release programs are.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

SHORT, LONG = 2_000, 12_000


def instructions(program: pathlib.Path, row: str, count: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        command = [
            "valgrind", "--tool=callgrind", "--separate-threads=yes",
            f"--callgrind-out-file={folder}/out", str(program), "--count", row, str(count),
        ]
        run = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if run.returncode != 0:
            sys.exit(f"{' '.join(command)}: exit {run.returncode}\n{run.stderr}")
        totals = re.search(r"^(?:totals|summary): (\d+)", pathlib.Path(folder, "out-01").read_text(), re.M)
        if not totals:
            sys.exit(f"callgrind told no total of the first thread of row {row!r}")
        return int(totals.group(1))


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    failed = False
    allocations = None
    for line in pathlib.Path(__file__).with_name("thresholds.txt").read_text().splitlines():
        line = line.split("#")[0].strip()
        if not line:
            continue
        kind, limit, name = line.split(None, 2)
        if kind == "instructions":
            program = folder / "SkeinBenchmarks"
            long, short = instructions(program, name, LONG), instructions(program, name, SHORT)
            figure = (long - short) / (LONG - SHORT)
        elif kind == "allocations":
            if allocations is None:
                run = subprocess.run([str(folder / "SkeinAllocations")], capture_output=True, text=True, timeout=300, check=True)
                allocations = dict(zip(["in a task", "async", "outside of tasks", "a log record as an event", "a log record held back"], map(float, run.stdout.split())))
            figure = allocations[name]
        else:
            sys.exit(f"thresholds.txt: unknown kind {kind!r}")
        over = figure > float(limit)
        failed |= over
        print(f"{'OVER' if over else 'ok':5} {kind} {name}: {figure:.2f}, at most {limit}")
    sys.exit(1 if failed else 0)


main()

#!/usr/bin/env python3
"""Compares the ratios that `make bench` has written with the committed ones and fails where one has grown too much.

usage: check_bench.py [--factor 1.25] [MEASURED [COMMITTED]]
       (default build/bench/ratios.json and bench/ratios.json)

To accept new figures: cp build/bench/ratios.json bench/ratios.json
"""
import argparse
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", nargs="?", type=pathlib.Path, default=ROOT / "build/bench/ratios.json")
    parser.add_argument("committed", nargs="?", type=pathlib.Path, default=ROOT / "bench/ratios.json")
    parser.add_argument("--factor", type=float, default=1.25, help="how many times the committed ratio is allowed")
    arguments = parser.parse_args()
    try:
        measured = json.loads(arguments.measured.read_text())
        committed = json.loads(arguments.committed.read_text())
    except (OSError, ValueError) as problem:
        sys.exit(f"check_bench: {problem}; run `make bench` first")

    faults = 0
    print(f"{'benchmark':28} {'committed':>9} {'measured':>9} {'allowed':>9}")
    for name in sorted(committed.keys() | measured.keys()):
        if name not in measured or name not in committed:
            lacking = arguments.measured if name not in measured else arguments.committed
            print(f"{name:28} is not in {lacking}")
            faults += 1
            continue
        allowed = arguments.factor * committed[name]
        slow = not measured[name] <= allowed
        print(f"{name:28} {committed[name]:9.3f} {measured[name]:9.3f} {allowed:9.3f}{'  TOO SLOW' if slow else ''}")
        faults += slow
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

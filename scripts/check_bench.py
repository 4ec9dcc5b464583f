#!/usr/bin/env python3
"""Compares the ratios that `make bench` has written with the committed ones and fails where one has grown too much, or
lies above its bound by more than a busy machine explains.

usage: check_bench.py [--factor 1.25] [--slack 1.15] [MEASURED [COMMITTED]]
       (default build/bench/ratios.json and bench/ratios.json)

To accept new figures: cp build/bench/ratios.json bench/ratios.json
"""
import argparse
import json
import pathlib
import sys

# What a step, a Fisher or a phase may cost, over the least that its products take: a promise of ours.
BOUNDS = {"ewc_step_b128": 1.10, "online_ewc_step_b128": 1.10, "si_step_b128": 1.10, "mas_step_b128": 1.10,
          "lwf_step_b128": 1.10, "er_step_b128": 1.05, "der_step_b128": 1.05, "der++_step_b128": 1.05,
          "a-gem_step_b128": 1.10, "gem_step_b128": 1.15, "mir_step_b128": 1.10, "selective-amnesia_step_b256": 1.25,
          "fisher_own_samples_cvae": 1.5, "fisher_own_samples_cvae_conv": 1.5, "lgaa_critic_b64": 1.35,
          "lgaa_generator_b64": 1.25, "lgaa_inference_b64": 1.25}
ROOT = pathlib.Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", nargs="?", type=pathlib.Path, default=ROOT / "build/bench/ratios.json")
    parser.add_argument("committed", nargs="?", type=pathlib.Path, default=ROOT / "bench/ratios.json")
    parser.add_argument("--factor", type=float, default=1.25, help="how many times the committed ratio is allowed")
    parser.add_argument("--slack", type=float, default=1.15, help="how many times its bound a ratio may be measured")
    arguments = parser.parse_args()
    try:
        measured = json.loads(arguments.measured.read_text())
        committed = json.loads(arguments.committed.read_text())
    except (OSError, ValueError) as problem:
        sys.exit(f"check_bench: {problem}; run `make bench` first")

    faults = 0
    print(f"{'benchmark':28} {'committed':>9} {'measured':>9} {'allowed':>9} {'bound':>6}")
    for name in sorted(committed.keys() | measured.keys()):
        if name not in measured or name not in committed:
            lacking = arguments.measured if name not in measured else arguments.committed
            print(f"{name:28} is not in {lacking}")
            faults += 1
            continue
        bound = BOUNDS.get(name)
        allowed = min(arguments.factor * committed[name], arguments.slack * (bound or float("inf")))
        slow = not measured[name] <= allowed
        note = "  TOO SLOW" if slow else "  above its bound" if bound and measured[name] > bound else ""
        print(f"{name:28} {committed[name]:9.3f} {measured[name]:9.3f} {allowed:9.3f} {bound or '':>6}{note}")
        faults += slow
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Kills runs with SIGKILL at times drawn uniformly over the run, resumes them, and compares the end with a run that was
never disturbed: parameters, optimizer, matrix, and metrics.jsonl without its time fields must be equal.

    scripts/kill_resume.py build/release/mneme --kills 50

Prints where each kill landed (training, checkpoint write, importance pass, start) and ends with a line of counts.
"""
import argparse, json, os, pathlib, random, signal, subprocess, sys, tempfile, time

CONFIG = """
name = "kill"
data = "sample"
checkpoint_seconds = 0.1
[stream]
kind = "domain"
datasets = ["fashion-mnist", "mnist"]
[learner]
kind = "classifier"
net = "cnn"
[train]
epochs = 4
batch = 64
[evaluate]
every_steps = 50
curve_images = 200
[arm.both]
strategy = [{ kind = "ewc", lambda = 1000.0, labels = "all", samples = 2000 }, { kind = "er", memory = 200 }]
"""


def run_folder(out):
    folders = sorted(pathlib.Path(out).glob("kill/*"))
    return folders[-1] if folders else None


def start(mneme, arguments):
    return subprocess.Popen([mneme, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(process, what):
    _, err = process.communicate()
    if process.returncode != 0:
        sys.exit(f"{what}: exit {process.returncode}\n{err.decode()[-2000:]}")


def metrics(arm):
    lines = []
    for line in (arm / "metrics.jsonl").read_text().splitlines():
        entry = json.loads(line)
        lines.append({k: v for k, v in entry.items() if k != "time" and not k.endswith("_seconds")})
    return lines


def result(folder):
    arm = folder / "arms" / "both" / "seed-0"
    entry = json.loads((arm / "arm.json").read_text())
    return {
        "status": entry["status"], "parameters": entry["parameter_hash"], "training": entry["training_hash"],
        "matrix": entry["matrix"], "rows": entry["rows"], "metrics": metrics(arm),
    }


def landed(folder):
    """What the killed process was doing, read from what it left."""
    arm = folder / "arms" / "both" / "seed-0" if folder else None
    if arm is None or not arm.exists():
        return "start"
    checkpoints = arm / "checkpoints"
    if checkpoints.exists() and any(p.name.startswith(".writing") for p in checkpoints.iterdir()):
        return "checkpoint write"
    kept = sorted(checkpoints.glob("event-*")) if checkpoints.exists() else []
    lines = [l for l in (arm / "metrics.jsonl").read_text().splitlines() if l] if (arm / "metrics.jsonl").exists() else []
    importances = sum('"kind":"importance"' in l for l in lines)
    if len(kept) > importances:
        return "importance pass"
    return "training" if lines else "start"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mneme")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--per-run", type=int, default=5, help="kills of one run before it may end")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--require-checkpoint", type=int, default=0, help="fail with fewer hits of a checkpoint write")
    parser.add_argument("--require-importance", type=int, default=0, help="fail with fewer hits of the importance pass")
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    mneme = os.path.abspath(arguments.mneme)
    counts = {"start": 0, "training": 0, "checkpoint write": 0, "importance pass": 0}
    with tempfile.TemporaryDirectory(prefix="mneme-kill-") as scratch:
        config = pathlib.Path(scratch, "kill.toml")
        config.write_text(CONFIG)
        began = time.monotonic()
        finish(start(mneme, ["run", str(config), "-q", "--out", f"{scratch}/reference"]), "reference run")
        length = time.monotonic() - began
        reference = result(run_folder(f"{scratch}/reference"))
        print(f"undisturbed run: {length:.1f} s, {len(reference['metrics'])} log lines", flush=True)
        kills, run = 0, 0
        while kills < arguments.kills:
            out = f"{scratch}/run-{run}"
            here = min(arguments.per_run, arguments.kills - kills)
            times = sorted(random.uniform(0, length) for _ in range(here))
            done = 0.0
            for at in times:
                folder = run_folder(out)
                command = ["resume", str(folder), "-q"] if folder else ["run", str(config), "-q", "--out", out]
                process = start(mneme, command)
                try:
                    process.wait(timeout=max(0.05, at - done))
                    if process.returncode != 0:
                        sys.exit(f"run {run}: exit {process.returncode}\n{process.stderr.read().decode()[-2000:]}")
                    break  # it ended before its time: nothing left to kill
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                done = at
                kills += 1
                where = landed(run_folder(out))
                counts[where] += 1
                print(f"kill {kills:3d}: run {run}, after {at:5.1f} s of {length:.1f}: {where}", flush=True)
            folder = run_folder(out)
            finish(start(mneme, ["resume", str(folder), "-q"] if folder else ["run", str(config), "-q", "--out", out]),
                   f"run {run}")
            ended = result(run_folder(out))
            different = [key for key in reference if reference[key] != ended[key]]
            if different:
                sys.exit(f"run {run} ended differently in: {', '.join(different)}")
            subprocess.run(["rm", "-rf", out], check=True)
            run += 1
    print(f"{kills} kills over {run} runs, all ended equal: " + ", ".join(f"{n} in {k}" for k, n in counts.items()))
    if counts["checkpoint write"] < arguments.require_checkpoint or counts["importance pass"] < arguments.require_importance:
        sys.exit("too few kills hit a checkpoint write or the importance pass")


if __name__ == "__main__":
    main()

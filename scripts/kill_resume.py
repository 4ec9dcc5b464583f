#!/usr/bin/env python3
"""Kills runs with SIGKILL at times drawn uniformly over the run, resumes them, and compares the end with a run that was
never disturbed: parameters, optimizer, matrix, and metrics.jsonl without its time fields must be equal.

    scripts/kill_resume.py build/release/mneme --kills 50

Prints where each kill landed (training, checkpoint write, importance pass, start) and ends with a line of counts.
"""
import argparse, json, os, pathlib, random, signal, subprocess, sys, tempfile, time

# Two arms that share the first task's training. The net is large, so that writing a checkpoint takes a good part of the
# second between two of them, and kills at random times hit it.
CONFIG = """
name = "kill"
data = "sample"
checkpoint_seconds = 1
[stream]
kind = "domain"
datasets = ["fashion-mnist", "mnist"]
[learner]
kind = "classifier"
net = { kind = "mlp", hidden = [4096, 3072] }
[train]
epochs = 1
batch = 64
[evaluate]
every_steps = 20
curve_images = 100
[arm.both]
strategy = [{ kind = "ewc", lambda = 1000.0, labels = "all", samples = 900 }, { kind = "er", memory = 200 }]
[arm.naive]
"""
ARMS = ["both", "naive"]


def run_folder(out):
    """The run's folder, if it was killed late enough to leave one that can be gone on with."""
    folders = sorted(config.parent for config in pathlib.Path(out).glob("kill/*/config.toml"))
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
    found = {}
    for arm in ARMS:
        entry = json.loads((folder / "arms" / arm / "seed-0" / "arm.json").read_text())
        for key in ("status", "parameter_hash", "training_hash", "matrix", "rows"):
            found[f"{arm} {key}"] = entry[key]
        found[f"{arm} metrics"] = metrics(folder / "arms" / arm / "seed-0")
    return found


def units(folder):
    """The shared prefix and the arms, as far as they have begun."""
    return [unit for unit in (folder / "shared/0/seed-0", *(folder / "arms" / arm / "seed-0" for arm in ARMS)) if unit.exists()]


def being_written(folder):
    """Checkpoints under a temporary name, with when they were begun: a killed process leaves them there."""
    return {(p, p.stat().st_ctime_ns) for unit in units(folder) for p in unit.glob("checkpoints/.writing-*")} if folder else set()


def landed(folder, before):
    """What the killed process was doing, read from what it left and earlier ones had not."""
    if folder is None or not units(folder):
        return "start"
    if being_written(folder) - before:
        return "checkpoint write"
    unit = units(folder)[-1]
    lines = [l for l in (unit / "metrics.jsonl").read_text().splitlines() if l] if (unit / "metrics.jsonl").exists() else []
    trained = len(list(unit.glob("checkpoints/event-*")))
    if unit.parent.name == "both" and trained > sum('"kind":"importance"' in l for l in lines):
        return "importance pass"
    return "training" if lines else "start"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mneme")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--per-run", type=int, default=5, help="kills of one run before it may end")
    parser.add_argument("--seed", type=int, default=0)
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
        print(f"undisturbed run: {length:.1f} s, {len(reference['both metrics'])} log lines", flush=True)
        kills, run = 0, 0
        while kills < arguments.kills:
            out = f"{scratch}/run-{run}"
            here = min(arguments.per_run, arguments.kills - kills)
            times = sorted(random.uniform(0, length) for _ in range(here))
            done = 0.0
            for at in times:
                folder = run_folder(out)
                command = ["resume", str(folder), "-q"] if folder else ["run", str(config), "-q", "--out", out]
                before = being_written(folder)
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
                where = landed(run_folder(out), before)
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
    if length < 20:
        sys.exit("the undisturbed run took less than 20 s: too short for kills to tell much")
    if counts["checkpoint write"] < 0.3 * kills or counts["importance pass"] < 0.1 * kills:
        if kills >= 50:
            sys.exit("too few kills hit a checkpoint write (30 % asked) or the importance pass (10 %)")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Draws the figures of a run folder with matplotlib; made to be read and changed.

    plot.py RUN [--format svg|png|pdf] [-o DIR]

RUN is a folder with a summary.json (docs/run-folder.md). Nothing is trained or read from elsewhere. Drawn are, per
metric: the metric of every task over time, the final values (and against lambda, say, where arms differ in that
alone), the evaluation matrices, what the average costs in memory and time, how often a classifier's answers are right
against its confidence; and the training loss.
Arms are means over seeds with a band from the lowest to the highest; failed arms are left out.
"""
import argparse
import json
import pathlib
import sys

try:
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
except ImportError:
    print("plot.py needs matplotlib: sudo apt-get install python3-matplotlib (or, in a virtual environment of yours: "
          "python3 -m pip install matplotlib)", file=sys.stderr)
    raise SystemExit(2)

COLOURS = ["#0064b0", "#c04a00", "#00755a", "#8b3fa8", "#7a6200", "#b3245f", "#42505c", "#1f7684"]
DASHES = ["-", "--", ":", "-.", (0, (8, 2)), (0, (3, 1)), (0, (1, 3)), (0, (5, 1, 1, 1, 1, 1))]
UNITS = {"accuracy": ("accuracy", "%", 100), "negative_elbo": ("negative ELBO", "nats per image", 1)}


def fail(problem):
    """The folder is missing, damaged or empty: exit code 3, as `mneme` has it for data."""
    print(f"plot.py: {problem}", file=sys.stderr)
    raise SystemExit(3)


# ---- reading ---------------------------------------------------------------------------------------------------------

def read_lines(file):
    """The JSON objects of a .jsonl file; a half-written last line is left out."""
    lines = []
    if file.exists():
        for text in file.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict):
                lines.append(line)
    return lines


def read_run(folder):
    """{metric: {arm: [entry of summary.json with its "log"]}}, failed and empty arms left out."""
    file = folder / "summary.json"
    try:
        summary = json.loads(file.read_text(encoding="utf-8"))
    except OSError:
        fail(f"'{folder}' is no run folder: it holds no summary.json")
    except ValueError:
        fail(f"'{file}' is damaged")
    if summary.get("format") != 1:
        fail(f"'{file}' has format {summary.get('format')}, this script reads format 1")
    boards = {}
    for entry in summary["arms"]:
        if entry.get("status") == "failed" or not entry.get("rows"):
            continue
        entry["log"] = read_lines(folder / "arms" / entry["arm"] / f"seed-{entry['seed']}" / "metrics.jsonl")
        boards.setdefault(entry["metric"], {}).setdefault(entry["arm"], []).append(entry)
    return boards


# ---- numbers ---------------------------------------------------------------------------------------------------------

def over_seeds(seeds, points_of):
    """points_of(seed) -> {x: y}. Gives sorted lists x, mean, low, high over the seeds that have the x."""
    gathered = {}
    for seed in seeds:
        for x, y in points_of(seed).items():
            gathered.setdefault(x, []).append(y)
    xs = sorted(gathered)
    return (xs, [sum(gathered[x]) / len(gathered[x]) for x in xs], [min(gathered[x]) for x in xs],
            [max(gathered[x]) for x in xs])


def evaluations(seed, task):
    """{step: value} of one task: the curve evaluations, else those on the full test set, else the matrix."""
    found = {"curve": {}, "full": {}}
    for line in seed["log"]:
        value = line.get("values", {}).get(task) if line.get("kind") == "evaluation" else None
        if value is not None:
            found.setdefault(line.get("part", "full"), {})[line["step"]] = value
    if found["curve"] or found["full"]:
        return found["curve"] or found["full"]
    if task not in seed["tasks"]:
        return {}
    column = seed["tasks"].index(task)
    return {row["step"]: cells[column] for row, cells in zip(seed["rows"], seed["matrix"]) if cells[column] is not None}


def training_loss(seed):
    return {line["step"]: line["loss"] for line in seed["log"] if line.get("kind") == "step" and "loss" in line}


def boundaries(seed):
    """[(step at which the event begins, its task)]"""
    found, begin = [], 0
    for row in seed["rows"]:
        if row["kind"] in ("learn", "forget"):
            found.append((begin, row["task"]))
            begin = row["step"]
    return found


def tasks_of(arms):
    return list(dict.fromkeys(task for seeds in arms.values() for seed in seeds for task in seed["tasks"]))


def mean_matrix(seeds):
    """Of the seeds that got furthest: (rows, cells), None where a cell is null."""
    most = max(len(seed["rows"]) for seed in seeds)
    full = [seed for seed in seeds if len(seed["rows"]) == most]
    cells = []
    for r in range(most):
        columns = zip(*(seed["matrix"][r] for seed in full))
        cells.append([None if any(v is None for v in column) else sum(column) / len(column) for column in columns])
    return full[0]["rows"], cells


# ---- drawing ---------------------------------------------------------------------------------------------------------

def style():
    plt.rcParams.update({
        "font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "#e6ebef",
        "axes.axisbelow": True, "axes.edgecolor": "#51606d", "legend.frameon": False, "figure.constrained_layout.use": True,
        "svg.hashsalt": "mneme", "svg.fonttype": "none", "text.parse_math": False,
    })


def draw_lines(axes, arms, points_of, factor=1):
    for place, (arm, seeds) in enumerate(arms.items()):
        x, mean, low, high = over_seeds(seeds, points_of)
        if not x:
            continue
        colour = COLOURS[place % len(COLOURS)]
        axes.plot(x, [factor * y for y in mean], color=colour, linestyle=DASHES[place % len(DASHES)], label=arm)
        axes.fill_between(x, [factor * y for y in low], [factor * y for y in high], color=colour, alpha=0.18, linewidth=0)
    marks = boundaries(next(iter(arms.values()))[0])
    for step, task in marks:
        if step > 0:
            axes.axvline(step, color="#51606d", linestyle=(0, (2, 3)), linewidth=1)
        if len(marks) <= 6:
            axes.annotate(task, (step, 1), xycoords=("data", "axes fraction"), xytext=(3, 2), textcoords="offset points",
                          fontsize=8, color="#51606d")
    axes.set_xlim(left=0)
    axes.set_xlabel("step")


def over_time(metric, arms):
    title, unit, factor = UNITS.get(metric, (metric, "", 1))
    tasks = tasks_of(arms)
    columns = min(len(tasks), 2)
    rows = -(-len(tasks) // columns)
    figure, grid = plt.subplots(rows, columns, figsize=(5 * columns, 3.2 * rows), squeeze=False, sharex=True)
    for axes, task in zip(grid.flat, tasks):
        draw_lines(axes, arms, lambda seed: evaluations(seed, task), factor)
        axes.set_title(task, loc="left", pad=16, fontweight="bold")
        axes.set_ylabel(f"{title} ({unit})" if unit else title)
    for axes in list(grid.flat)[len(tasks):]:
        axes.set_visible(False)
    grid.flat[0].legend()
    return figure


def final_values(metric, arms):
    title, unit, factor = UNITS.get(metric, (metric, "", 1))
    tasks = tasks_of(arms)
    figure, axes = plt.subplots(figsize=(max(5, 1.1 * len(tasks) * len(arms) ** 0.7 + 2), 3.4))
    width = 0.8 / len(arms)
    for place, (arm, seeds) in enumerate(arms.items()):
        def last(seed):
            return {tasks.index(t): v for t, v in zip(seed["tasks"], seed["matrix"][-1]) if v is not None}
        x, mean, low, high = over_seeds(seeds, last)
        spread = [[factor * (m - l) for m, l in zip(mean, low)], [factor * (h - m) for m, h in zip(mean, high)]]
        axes.bar([i + (place - (len(arms) - 1) / 2) * width for i in x], [factor * y for y in mean], 0.9 * width,
                 yerr=spread, capsize=3, color=COLOURS[place % len(COLOURS)], label=arm, ecolor="#17212b")
    axes.set_xticks(range(len(tasks)), tasks)
    axes.grid(axis="x", visible=False)
    axes.set_ylabel(f"final {title} ({unit})" if unit else f"final {title}")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def swept(arms):
    """The one number in which three or more arms' strategies differ: (its name, {value: arm}), else None."""
    def flat(value, path=""):
        if isinstance(value, (dict, list)):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            return {k: v for key, part in items for k, v in flat(part, f"{path}/{key}").items()}
        return {path: value}
    options = {arm: flat(seeds[0].get("strategy_options", {})) for arm, seeds in arms.items()}
    first = next(iter(options.values()))
    if len(arms) < 3 or any(own.keys() != first.keys() for own in options.values()):
        return None
    differing = [key for key in first if len({own[key] for own in options.values()}) > 1]
    if len(differing) != 1 or not all(isinstance(own[differing[0]], (int, float)) for own in options.values()):
        return None
    by_value = {own[differing[0]]: arm for arm, own in options.items()}
    return (differing[0].split("/")[-1], by_value) if len(by_value) == len(arms) else None


def sweep(metric, arms, option, by_value):
    title, unit, factor = UNITS.get(metric, (metric, "", 1))
    figure, axes = plt.subplots(figsize=(5.5, 3.4))
    values = sorted(by_value)
    for place, task in enumerate(tasks_of(arms)):
        def last(index):
            return [seed["matrix"][-1][seed["tasks"].index(task)] for seed in arms[by_value[values[index]]]]
        mean = [factor * sum(last(i)) / len(last(i)) for i in range(len(values))]
        colour = COLOURS[place % len(COLOURS)]
        axes.plot(range(len(values)), mean, color=colour, linestyle=DASHES[place % len(DASHES)], marker="o", label=task)
        axes.fill_between(range(len(values)), [factor * min(last(i)) for i in range(len(values))],
                          [factor * max(last(i)) for i in range(len(values))], color=colour, alpha=0.18, linewidth=0)
    axes.set_xticks(range(len(values)), [f"{value:g}" for value in values])
    axes.set_xlabel(option)
    axes.set_ylabel(f"final {title} ({unit})" if unit else f"final {title}")
    axes.legend()
    return figure


def row_name(row):
    names = {"initial": "before training", "learn": f"after {row['task']}", "forget": f"after forgetting {row['task']}"}
    return names.get(row["kind"], f"step {row['step']}")


def matrices(metric, arms):
    title, unit, factor = UNITS.get(metric, (metric, "", 1))
    shown = {arm: mean_matrix(seeds) for arm, seeds in arms.items()}
    values = [v for _, cells in shown.values() for row in cells for v in row if v is not None]
    low, high = (0, 1) if metric == "accuracy" else (min(values), max(values))
    better_high = next(iter(arms.values()))[0]["higher_is_better"]
    width = max(len(cells[0]) for _, cells in shown.values())
    height = max(len(cells) for _, cells in shown.values())
    columns = min(len(arms), 3)
    rows = -(-len(arms) // columns)
    figure, grid = plt.subplots(rows, columns, squeeze=False,
                                figsize=((1.1 * width + 1.8) * columns, (0.55 * height + 1) * rows))
    for axes, (arm, (names, cells)) in zip(grid.flat, shown.items()):
        picture = [[float("nan") if v is None else v for v in row] for row in cells]
        axes.imshow(picture, cmap="Blues" if better_high else "Blues_r", vmin=low, vmax=high, aspect="auto")
        for y, row in enumerate(cells):
            for x, value in enumerate(row):
                share = 0 if value is None or high == low else (value - low) / (high - low)
                dark = (share if better_high else 1 - share) > 0.55
                axes.text(x, y, "–" if value is None else f"{factor * value:.1f}", ha="center", va="center",
                          color="white" if dark else "#0c1a26")
        axes.set_xticks(range(len(cells[0])), arms[arm][0]["tasks"])
        axes.set_yticks(range(len(cells)), [row_name(row) for row in names])
        axes.tick_params(length=0, labelsize=8)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_title(arm, loc="left", fontweight="bold")
    for axes in list(grid.flat)[len(arms):]:
        axes.set_visible(False)
    figure.supxlabel(f"{title} in {unit}" if unit else title, fontsize=9)
    return figure


def loss(arms):
    figure, axes = plt.subplots(figsize=(7, 3.4))
    draw_lines(axes, arms, training_loss)
    axes.set_ylabel("training loss (mean over the batch)")
    axes.legend()
    return figure


def cost(metric, arms):
    """The average against what the strategies keep and against wall time."""
    title, unit, factor = UNITS.get(metric, (metric, "", 1))
    figure, grid = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True)
    measures = [("MB that the strategy keeps", lambda seed: seed.get("memory_bytes", 0) / 1e6),
                ("seconds of wall time", lambda seed: seed.get("wall_seconds", {}).get("total", 0))]
    for axes, (label, of_seed) in zip(grid, measures):
        for place, (arm, seeds) in enumerate(arms.items()):
            seeds = [seed for seed in seeds if seed.get("average") is not None]
            if not seeds or ("MB" in label and all(reads_all_data(seed) for seed in seeds)):
                continue  # joint and cumulative keep nothing of their own: they read all data again
            x = sum(of_seed(seed) for seed in seeds) / len(seeds)
            y = factor * sum(seed["average"] for seed in seeds) / len(seeds)
            axes.scatter([x], [y], color=COLOURS[place % len(COLOURS)], s=30)
            axes.annotate(arm, (x, y), xytext=(5, 3), textcoords="offset points", fontsize=8)
        axes.set_xlabel(label)
    grid[0].set_ylabel(f"average {title} ({unit})" if unit else f"average {title}")
    grid[1].set_xscale("symlog")
    return figure


def reads_all_data(seed):
    options = seed.get("strategy_options")
    kinds = [part.get("kind") if isinstance(part, dict) else part for part in (options if isinstance(options, list) else [options])]
    return "joint" in kinds or "cumulative" in kinds


def last_bins(seed):
    """[(samples, sum of confidences, right)] after the last event; empty where none were logged."""
    found = [line["bins"] for line in seed["log"] if line.get("kind") == "evaluation" and line.get("bins")]
    return found[-1] if found else []


def reliability(arms):
    figure, axes = plt.subplots(figsize=(4.6, 4.2))
    axes.plot([0, 1], [0, 100], color="#51606d", linestyle=(0, (2, 3)), linewidth=1)
    for place, (arm, seeds) in enumerate(arms.items()):
        def right(seed):
            bins = last_bins(seed)
            return {(b + 0.5) / len(bins): 100 * hit / n for b, (n, _, hit) in enumerate(bins) if n > 0}
        x, mean, low, high = over_seeds(seeds, right)
        colour = COLOURS[place % len(COLOURS)]
        axes.plot(x, mean, color=colour, linestyle=DASHES[place % len(DASHES)], marker="o", markersize=3, label=arm)
        axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.set_xlabel("confidence (middle of its bin)")
    axes.set_ylabel("% right")
    axes.legend()
    return figure


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=pathlib.Path, help="run folder")
    parser.add_argument("--format", choices=["svg", "png", "pdf"], default="svg")
    parser.add_argument("-o", "--output", type=pathlib.Path, help="folder for the figures; default RUN/figures")
    options = parser.parse_args()
    style()
    boards = read_run(options.run)
    if not boards:
        fail(f"nothing has been evaluated yet in '{options.run}'")
    output = options.output or options.run / "figures"
    output.mkdir(parents=True, exist_ok=True)
    for metric, arms in boards.items():
        figures = {f"{metric}_over_time": over_time(metric, arms), f"{metric}_final": final_values(metric, arms),
                   f"{metric}_matrices": matrices(metric, arms), f"{metric}_training_loss": loss(arms)}
        if len(arms) > 1:
            figures[f"{metric}_cost"] = cost(metric, arms)
        if any(last_bins(seed) for seeds in arms.values() for seed in seeds):
            figures[f"{metric}_reliability"] = reliability(arms)
        if found := swept(arms):
            figures[f"{metric}_sweep"] = sweep(metric, arms, *found)
        for name, figure in figures.items():
            file = output / f"{name}.{options.format}"
            metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(options.format)
            figure.savefig(file, dpi=160, metadata=metadata)
            plt.close(figure)
            print(file)


if __name__ == "__main__":
    main()

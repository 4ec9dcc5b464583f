#!/usr/bin/env python3
"""Draws the codes of a conditional model's test images before and after it forgot, by t-SNE; made to be read and changed.

    latent.py RUN [--arm ARM] [--seed N] [-o DIR]

RUN is a run folder whose arms have codes/*.csv (docs/run-folder.md). One picture and one latent.json per arm and seed:
every point is a test image, in the plane that t-SNE finds for its code (scikit-learn; perplexity 30, seed 0), or the
code itself where it has two numbers; classes that were asked to be forgotten are gray. Per file stand
`trustworthiness` of the plane (k = 12) and per class the `purity` of the code: the share of an image's ten nearest
neighbours that are of its class, 1 / C where the code says nothing of the class.
"""
import argparse
import csv
import json
import os
import pathlib
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")  # several threads on a busy machine take longer than one

try:
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import numpy
    from sklearn.manifold import TSNE, trustworthiness
    from sklearn.neighbors import NearestNeighbors
except ImportError as missing:
    print(f"latent.py needs scikit-learn and matplotlib ({missing}): sudo apt-get install python3-sklearn "
          "python3-matplotlib (or, in a virtual environment of yours: python3 -m pip install scikit-learn matplotlib)",
          file=sys.stderr)
    raise SystemExit(2)

COLOURS = ["#0064b0", "#c04a00", "#00755a", "#8b3fa8", "#7a6200", "#b3245f", "#1f7684", "#5a8f00", "#d18a00", "#6a4be0"]
FORGOTTEN = "#9aa5ae"
NEIGHBOURS_OF_THE_PLANE, NEIGHBOURS = 12, 10


def fail(problem):
    print(f"latent.py: {problem}", file=sys.stderr)
    raise SystemExit(3)


def read_codes(file):
    """(event, labels [N], codes [N, D]); files are named <event>_<kind>.csv."""
    with open(file, encoding="utf-8", newline="") as text:
        rows = list(csv.reader(text))
    try:
        table = numpy.array(rows[1:], dtype=float)
        return int(file.stem.split("_")[0]), table[:, 0].astype(int), table[:, 1:]
    except (ValueError, IndexError):
        fail(f"'{file}' is damaged")


def plane_of(codes):
    if codes.shape[1] == 2:
        return codes
    perplexity = min(30, (len(codes) - 1) // 3)
    return TSNE(perplexity=perplexity, init="pca", learning_rate="auto", random_state=0).fit_transform(codes)


def purity_by_class(labels, codes):
    near = NearestNeighbors(n_neighbors=NEIGHBOURS + 1).fit(codes).kneighbors(codes, return_distance=False)[:, 1:]
    same = (labels[near] == labels[:, None]).mean(axis=1)
    return {str(c): round(float(same[labels == c].mean()), 4) for c in sorted(set(labels.tolist()))}


def draw(axes, title, labels, plane, forgotten):
    for c in sorted(set(labels.tolist()), key=lambda label: label not in forgotten):
        points = plane[labels == c]
        colour = FORGOTTEN if c in forgotten else COLOURS[c % len(COLOURS)]
        axes.scatter(points[:, 0], points[:, 1], s=5, color=colour, linewidths=0, alpha=0.8)
        axes.annotate(str(c), numpy.median(points, axis=0), ha="center", va="center", fontweight="bold",
                      bbox={"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": colour, "alpha": 0.9})
    axes.set_title(title, loc="left")
    axes.set_xticks([])
    axes.set_yticks([])


def draw_arm(folder, entry, out):
    files = sorted((folder / "codes").glob("*.csv"), key=lambda file: int(file.stem.split("_")[0]))
    forgotten = set(entry.get("forgotten_classes") or [])
    names = {row["event"]: ("after forgetting " if row["kind"] == "forget" else "after ") + row["task"]
             for row in entry["rows"] if row["kind"] in ("learn", "forget")}
    figure, grid = plt.subplots(1, len(files), figsize=(5.2 * len(files), 5.2), squeeze=False, layout="constrained")
    figures = []
    for axes, file in zip(grid.flat, files):
        event, labels, codes = read_codes(file)
        plane = plane_of(codes)
        trust = float(trustworthiness(codes, plane, n_neighbors=NEIGHBOURS_OF_THE_PLANE))
        title = names.get(event, f"event {event}")
        draw(axes, title, labels, plane, forgotten)
        figures.append({"event": event, "when": title, "samples": len(labels), "trustworthiness": round(trust, 4),
                        "purity": purity_by_class(labels, codes)})
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "latent.png", dpi=110)
    plt.close(figure)
    (out / "latent.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(out / "latent.png")
    for one in figures:
        print(f"  {one['when']}: trustworthiness {one['trustworthiness']:.3f}; purity " +
              " ".join(f"{c}:{value:.2f}" for c, value in one["purity"].items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=pathlib.Path)
    parser.add_argument("--arm", help="this arm only")
    parser.add_argument("--seed", type=int, help="this seed only")
    parser.add_argument("-o", "--out", type=pathlib.Path, help="folder for the pictures (default RUN/latent)")
    args = parser.parse_args()
    try:
        summary = json.loads((args.run / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        fail(f"'{args.run}' is no run folder: it holds no readable summary.json")
    drawn = 0
    for entry in summary["arms"]:
        if (args.arm or entry["arm"]) != entry["arm"] or args.seed not in (None, entry["seed"]):
            continue
        place = pathlib.Path(entry["arm"]) / f"seed-{entry['seed']}"
        if any((args.run / "arms" / place / "codes").glob("*.csv")):
            draw_arm(args.run / "arms" / place, entry, (args.out or args.run / "latent") / place)
            drawn += 1
    if drawn == 0:
        fail(f"'{args.run}' holds no codes: only conditional models (learner cvae) leave them")


if __name__ == "__main__":
    main()

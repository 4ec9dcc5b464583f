#!/usr/bin/env python3
"""Draws the codes of a generative model's test images after every event, by t-SNE; made to be read and changed.

    latent.py RUN [--arm ARM] [--seed N] [-o DIR]

RUN is a run folder whose arms have codes/*.csv (docs/run-folder.md). One picture and one latent.json per arm and seed:
every point is a test image, in the plane that t-SNE finds for its code (scikit-learn; perplexity 20, early exaggeration 1.5, 2,000 iterations, seed 0), or the
code itself where it has two numbers; classes that were asked to be forgotten are gray. Of a model of domains (lgaa) the
same plane stands twice: coloured by class, and below by domain. Of a conditional model (cvae) there are two rows: codes
of images whose class the encoder was told, and of the same images with all classes told alike (`encoding` class and
flat), where nothing but the image can tell classes apart. Per file stand
`trustworthiness` of the plane (k = 12) and per class the `purity` of the code: the share of an image's ten nearest
neighbours that are of its class (among images of its domain), 1 / C where the code says nothing of the class; of a
model of domains also the purity of domains, among all images.
"""
import argparse
import csv
import inspect
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


class Codes:
    """Of one event: labels [N], domains [N] or None, codes [N, D]; files are named <event>_<kind>[_flat].csv."""

    def __init__(self, file):
        with open(file, encoding="utf-8", newline="") as text:
            rows = list(csv.reader(text))
        try:
            table = numpy.array(rows[1:], dtype=float)
            first = rows[0].index("z0")
            self.event = int(file.stem.split("_")[0])
            self.flat = file.stem.endswith("_flat")
            self.labels = table[:, 0].astype(int)
            self.domains = table[:, 1].astype(int) if rows[0][1] == "domain" else None
            self.codes = table[:, first:]
        except (ValueError, IndexError):
            fail(f"'{file}' is damaged")


def plane_of(codes):
    if codes.shape[1] == 2:
        return codes
    perplexity = min(20, (len(codes) - 1) // 3)
    # Codes that a prior holds together have no far clusters: the usual exaggeration of 12 tears neighbours apart.
    iterations = {"max_iter" if "max_iter" in inspect.signature(TSNE).parameters else "n_iter": 2000}
    return TSNE(perplexity=perplexity, early_exaggeration=1.5, init="pca", learning_rate="auto", random_state=0,
                **iterations).fit_transform(codes)


def purity(labels, codes):
    """{label: share of the nearest neighbours that have it too}"""
    count = min(NEIGHBOURS, len(codes) - 1)
    near = NearestNeighbors(n_neighbors=count + 1).fit(codes).kneighbors(codes, return_distance=False)[:, 1:]
    same = (labels[near] == labels[:, None]).mean(axis=1)
    return {str(c): round(float(same[labels == c].mean()), 4) for c in sorted(set(labels.tolist()))}


def draw(axes, title, labels, plane, forgotten=(), names=None, domains=None):
    """A colour for each label; its name stands amid its points, of each domain where there are some."""
    parts = [numpy.ones(len(labels), bool)] if domains is None else [domains == d for d in sorted(set(domains))]
    for c in sorted(set(labels.tolist()), key=lambda label: label not in forgotten):
        colour = FORGOTTEN if c in forgotten else COLOURS[c % len(COLOURS)]
        for points in (plane[part & (labels == c)] for part in parts):
            if len(points) == 0:
                continue
            axes.scatter(points[:, 0], points[:, 1], s=5, color=colour, linewidths=0, alpha=0.8)
            axes.annotate(names[c] if names else str(c), numpy.median(points, axis=0), ha="center", va="center",
                          fontweight="bold", bbox={"boxstyle": "round,pad=0.2" if names else "circle,pad=0.15",
                                                   "facecolor": "white", "edgecolor": colour, "alpha": 0.9})
    axes.set_title(title, loc="left")
    axes.set_xticks([])
    axes.set_yticks([])


def figures_of(one, title, plane, tasks):
    trust = float(trustworthiness(one.codes, plane, n_neighbors=NEIGHBOURS_OF_THE_PLANE))
    found = {"event": one.event, "when": title, "samples": len(one.labels), "trustworthiness": round(trust, 4)}
    if one.domains is None:
        return found | {"encoding": "flat" if one.flat else "class", "purity": purity(one.labels, one.codes)}
    by_domain = purity(one.domains, one.codes)
    found["domain_purity"] = {tasks[int(d)]: value for d, value in by_domain.items()}
    found["purity"] = {tasks[int(d)]: purity(one.labels[one.domains == int(d)], one.codes[one.domains == int(d)])
                       for d in by_domain}
    return found


def draw_arm(folder, entry, out):
    files = sorted((folder / "codes").glob("*.csv"), key=lambda file: int(file.stem.split("_")[0]))
    forgotten = set(entry.get("forgotten_classes") or [])
    names = {row["event"]: ("after forgetting " if row["kind"] == "forget" else "after ") + row["task"]
             for row in entry["rows"] if row["kind"] in ("learn", "forget")}
    events = [Codes(file) for file in files]
    columns = {event: column for column, event in enumerate(sorted({one.event for one in events}))}
    two = any(one.flat or one.domains is not None for one in events)
    figure, grid = plt.subplots(1 + two, len(columns), figsize=(5.2 * len(columns), 5.2 * (1 + two)), squeeze=False,
                                layout="constrained")
    figures = []
    for one in events:
        plane, column = plane_of(one.codes), columns[one.event]
        title = names.get(one.event, f"event {one.event}")
        figures.append(figures_of(one, title, plane, entry["tasks"]))
        draw(grid[int(one.flat), column], title + (", class not told" if one.flat else ""), one.labels, plane, forgotten,
             domains=one.domains)
        if one.domains is not None:
            draw(grid[1, column], title + ", domains", one.domains, plane, names=entry["tasks"])
    out.mkdir(parents=True, exist_ok=True)
    figure.savefig(out / "latent.png", dpi=110)
    plt.close(figure)
    (out / "latent.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(out / "latent.png")
    for one in figures:
        parts = one["purity"] if "domain_purity" in one else {"": one["purity"]}
        for name, part in parts.items():
            of = f" of {name} ({one['domain_purity'][name]:.2f} as domain)" if name else ""
            of += ", class not told" if one.get("encoding") == "flat" else ""
            print(f"  {one['when']}: trustworthiness {one['trustworthiness']:.3f}; purity{of} " +
                  " ".join(f"{c}:{value:.2f}" for c, value in part.items()))


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
        fail(f"'{args.run}' holds no codes: only models that draw by class (learners cvae, lgaa) leave them")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Makes the embedded sample (mneme/data/sample/*.idx.gz) from the original files.

    make_sample.py MNIST_FOLDER FASHION_MNIST_FOLDER [OUTPUT_FOLDER]

Rule: the first 400 training and the first 100 test images of every class in file order, kept in file order.
The output depends on the input alone: gzip level 9, no name, time 0.
"""

import gzip
import pathlib
import sys

SPLITS = {"train": ("train", 400), "test": ("t10k", 100)}
CLASSES = 10


def read_idx(folder: pathlib.Path, stem: str) -> tuple[list[int], bytes]:
    path = folder / stem
    raw = path.read_bytes() if path.exists() else gzip.decompress((folder / f"{stem}.gz").read_bytes())
    dimensions = raw[3]
    shape = [int.from_bytes(raw[4 + 4 * i : 8 + 4 * i], "big") for i in range(dimensions)]
    return shape, raw[4 + 4 * dimensions :]


def write_idx(path: pathlib.Path, shape: list[int], data: bytes) -> None:
    header = bytes([0, 0, 8, len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)
    path.write_bytes(gzip.compress(header + data, compresslevel=9, mtime=0))
    print(f"{path}: {path.stat().st_size} bytes, shape {shape}")


def first_of_each_class(labels: bytes, share: int) -> list[int]:
    left = [share] * CLASSES
    chosen = []
    for index, label in enumerate(labels):
        if left[label] > 0:
            left[label] -= 1
            chosen.append(index)
    assert not any(left), "a class has too few images"
    return chosen


def make(name: str, source: pathlib.Path, target: pathlib.Path) -> None:
    for split, (prefix, share) in SPLITS.items():
        shape, pixels = read_idx(source, f"{prefix}-images-idx3-ubyte")
        _, labels = read_idx(source, f"{prefix}-labels-idx1-ubyte")
        area = shape[1] * shape[2]
        chosen = first_of_each_class(labels, share)
        images = b"".join(pixels[i * area : (i + 1) * area] for i in chosen)
        write_idx(target / f"{name}-{split}-images.idx.gz", [len(chosen), *shape[1:]], images)
        write_idx(target / f"{name}-{split}-labels.idx.gz", [len(chosen)], bytes(labels[i] for i in chosen))


def main(arguments: list[str]) -> int:
    if len(arguments) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    default = pathlib.Path(__file__).resolve().parent.parent / "mneme" / "data" / "sample"
    target = pathlib.Path(arguments[2]) if len(arguments) == 3 else default
    target.mkdir(parents=True, exist_ok=True)
    make("mnist", pathlib.Path(arguments[0]), target)
    make("fashion-mnist", pathlib.Path(arguments[1]), target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

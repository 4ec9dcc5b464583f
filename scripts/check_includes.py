#!/usr/bin/env python3
"""Checks that dependencies between the folders of mneme/ point one way, by reading the #include lines, and that no two
headers define a type of one name in one namespace (which no compiler notices, and linkers merge).

Prints every offending line as file:line and exits 1 when there is one.
"""

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Folder -> what it may include from mneme/, besides itself: folders, or single headers. Everything else is refused.
FOUNDATION = {"core", "io", "data", "stream", "nets", "learners"}
PARTS = FOUNDATION | {"memory", "importance", "eval", "dist"}
METHOD = PARTS | {"strategies", "unlearning"}
MAY_INCLUDE = {
    "core": set(),
    "io": {"core"},
    "data": {"core", "io"},
    "stream": {"core", "io", "data"},
    "nets": {"core"},
    "learners": {"core", "nets", "stream/batch.hpp", "eval/generative.hpp"},  # the last: functions of images alone
    "dist": {"core"},
    "memory": PARTS,
    "importance": PARTS,
    "eval": PARTS,
    "track": PARTS,
    "strategies": METHOD | {"track/metric_log.hpp"},
    "unlearning": METHOD | {"track/metric_log.hpp"},
    "train": PARTS | {"track", "strategies/strategy.hpp", "strategies/list.hpp",
                      "strategies/forgetting.hpp", "strategies/checks_requests.hpp"},  # interfaces, no method by name
    "report": {"core", "io", "eval"},
    "experiment": METHOD | {"train", "track", "report"},
    "testing": METHOD | {"train", "track"},
}

# No file may include these; each with what to do instead.
REFUSED = {"torch/torch.h": "16 s to compile: include torch/types.h or narrower"}
TORCH_HEADER = re.compile(r"^(torch|ATen|c10|caffe2)/")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]')


def base_patterns():
    """The torch-free files, as CMakeLists.txt lists them."""
    text = (ROOT / "CMakeLists.txt").read_text()
    return re.search(r"set\(MNEME_BASE_PATTERNS\s+([^)]*)\)", text).group(1).split()


def is_base(path, patterns):
    """`path` below mneme/, e.g. core/text.hpp."""
    return any(fnmatch(str(Path(path).with_suffix("")), pattern) for pattern in patterns)


def allowed(folder, target):
    target_folder = target.split("/")[0]
    rules = MAY_INCLUDE[folder]
    return target_folder == folder or target_folder in rules or target in rules


def faults_of(path, patterns):
    """Yields (line number, header, reason) for one source file, `path` relative to the root."""
    parts = path.parts
    below = "/".join(parts[1:]) if parts[0] == "mneme" and len(parts) > 2 else None
    for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        header = match.group(1)
        if header in REFUSED:
            yield number, header, REFUSED[header]
        if below is None:
            continue
        base = is_base(below, patterns)
        if base and TORCH_HEADER.match(header):
            yield number, header, "this file belongs to the torch-free library"
        if header.startswith("mneme/") and header.count("/") > 1:
            target = header.removeprefix("mneme/")
            if parts[1] not in MAY_INCLUDE:
                yield number, header, f"folder {parts[1]} has no row in scripts/check_includes.py"
            elif not allowed(parts[1], target):
                yield number, header, f"{parts[1]} must not depend on it"
            elif base and not is_base(target, patterns):
                yield number, header, "a torch-free file includes one that is not"


TYPE = re.compile(r"^(?:struct|class|enum class) (\w+)(?: final)?(?: :[^:].*)? \{")
NAMESPACE = re.compile(r"^namespace ([\w:]+) \{")


def twins(files):
    """Yields (path, line number, type, where it is defined too)."""
    defined = {}
    for path in files:
        if path.suffix != ".hpp" or path.parts[0] not in ("mneme", "app"):
            continue
        namespace = ""
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
            if match := NAMESPACE.match(line):
                namespace = match.group(1)
            elif match := TYPE.match(line):
                other = defined.setdefault((namespace, match.group(1)), path)
                if other != path:
                    yield path, number, f"{namespace}::{match.group(1)}", f"is defined in {other} too"


def main():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.hpp", "*.cpp"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    patterns = base_patterns()
    files = [Path(name) for name in listed if (ROOT / name).exists()]
    faults = [(path, *fault) for path in files for fault in faults_of(path, patterns)] + list(twins(files))
    for path, number, header, reason in faults:
        print(f"{path}:{number}: {header}: {reason}")
    print(f"includes: {len(files)} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

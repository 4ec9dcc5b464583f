#!/usr/bin/env python3
"""Checks that the documentation agrees with the code, and brings its generated parts up to date.

    check_docs.py [--examples DIR] [--no-run] [--update]

A page takes code and output from the examples, which CI builds and runs:

    <!-- code: walkthrough_ewc [load] -->      the lines of examples/walkthrough_ewc.cpp between `// [load]` and
                                               `// [/load]`, in the ```cpp block that follows
    <!-- output: walkthrough_ewc [table] -->   what the program prints after the line `== table`, in the ```text block
                                               that follows; without a name: all of it

--update writes these blocks; without it a difference is a fault. Code must be equal. Output may differ by up to 3 in
every number and in the length of every bar of #, because rounding differs between processors; all else must be equal.

Also checked: links between pages lead somewhere; `mneme run NAME` names a reference experiment and every verb exists;
every strategy has a page with the usual sections; tests that docs/checklist.md names exist.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TOLERANCE = 3
VERBS = set("run resume branch forget runs show report compare plot eval predict importance sample revisit reproduce list explain "
            "data config doctor docs".split())
METHOD_SECTIONS = ["Equation", "State and memory", "Cost", "Options", "Differences from the paper", "Traps",
                   "How to run it", "Reference"]
BLOCK = re.compile(r"<!-- (code|output): (\w+)(?: \[([\w-]+)\])? -->\n```(\w+)\n(.*?)```", re.S)


def example_code(program, name):
    """The named block of an example, without its indentation."""
    text = (ROOT / "examples" / f"{program}.cpp").read_text()
    found = re.search(rf"^ *// \[{name}\]\n(.*?)^ *// \[/{name}\]$", text, re.S | re.M)
    if not found:
        raise ValueError(f"examples/{program}.cpp has no block [{name}]")
    lines = found.group(1).splitlines()
    indent = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    return "\n".join(line[indent:] for line in lines) + "\n"


class Outputs:
    """Runs each program once, in a folder of its own, on one thread."""

    def __init__(self, folder):
        self.folder = folder
        self.texts = {}

    def get(self, program, name):
        if program not in self.texts:
            binary = (self.folder / program).resolve()
            if not binary.exists():
                raise ValueError(f"{binary} is not built; build the examples, name their folder with --examples, "
                                 "or leave outputs unchecked with --no-run")
            with tempfile.TemporaryDirectory() as scratch:
                done = subprocess.run([binary], cwd=scratch, capture_output=True, text=True, timeout=300,
                                      env={**os.environ, "OMP_NUM_THREADS": "1"})
            if done.returncode != 0:
                raise ValueError(f"{program} ended with code {done.returncode}: {done.stderr.strip()}")
            self.texts[program] = done.stdout
        text = self.texts[program]
        if not name:
            return text
        found = re.search(rf"^== {name}\n(.*?)(?=^== |\Z)", text, re.S | re.M)
        if not found:
            raise ValueError(f"{program} prints no '== {name}'")
        return found.group(1)


def same_output(old, new):
    """Equal up to white space, and to TOLERANCE in numbers and bars."""
    part = re.compile(r"(?<![\w.])\d+(?:\.\d+)?|#+")
    value = lambda text: float(len(text) if text.startswith("#") else text)
    words = lambda text: [part.sub("0", line).split() for line in text.splitlines()]
    if words(old) != words(new):
        return False
    return all(abs(value(a) - value(b)) <= TOLERANCE for a, b in zip(part.findall(old), part.findall(new)))


def check_blocks(page, text, outputs, update, faults):
    """Returns the text with its blocks as they should be."""
    def replace(match):
        kind, program, name, language, old = match.groups()
        try:
            if kind == "code":
                new, same = example_code(program, name), None
                same = old == new
            elif outputs is None:
                return match.group(0)
            else:
                new = outputs.get(program, name)
                same = same_output(old, new)
        except (OSError, ValueError) as problem:
            faults.append(f"{page}: {problem}")
            return match.group(0)
        if same:
            return match.group(0)
        if not update:
            faults.append(f"{page}: {kind} of {program} [{name}] is not current; scripts/check_docs.py --update writes it")
        head = match.group(0)[: match.start(5) - match.start(0)]
        return head + new + "```"

    for lonely in re.findall(r"<!-- (?:code|output): [^>]*-->(?!\n```)", text):
        faults.append(f"{page}: {lonely} has no block after it")
    return BLOCK.sub(replace, text)


def check_links(page, text, faults):
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            faults.append(f"{page}: link to {target}, which is not there")
        elif anchor and file.suffix == ".md" and anchor not in anchors_of(file.read_text()):
            faults.append(f"{page}: link to {target}: no such heading")


def anchors_of(text):
    """Headings as GitHub turns them into anchors."""
    headings = re.findall(r"^#+ +(.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_commands(page, text, faults):
    experiments = {file.stem for file in (ROOT / "experiments").glob("*.toml")}
    code = "\n".join(re.findall(r"```(?:sh|console)\n(.*?)```", text, re.S) + re.findall(r"`(mneme [^`]+)`", text))
    for verb, argument in re.findall(r"(?:^|/|\$ )mneme ([a-z]+)(?: +([\w./-]+))?", code, re.M):
        if verb not in VERBS:
            faults.append(f"{page}: 'mneme {verb}' is no verb")
        elif verb == "run" and re.fullmatch(r"[a-z][a-z-]*", argument) and argument not in experiments:
            faults.append(f"{page}: 'mneme run {argument}': no such file in experiments/")


def check_methods(faults):
    rows = "".join(file.read_text() for file in sorted((ROOT / "mneme/strategies").glob("rows_*.cpp")))
    names = re.findall(r"\{\.info = \{\.name = \"([^\"]+)\"", rows)
    if not names:
        faults.append("mneme/strategies/rows_*.cpp: no strategy's name found; has the form of a row changed?")
    for name in names:
        page = ROOT / "docs/methods" / f"{name}.md"
        if not page.exists():
            faults.append(f"strategy '{name}' has no page {page.relative_to(ROOT)}")
            continue
        sections = re.findall(r"^## (.+)$", page.read_text(), re.M)
        if sections != METHOD_SECTIONS:
            faults.append(f"{page}: sections are {sections}, expected {METHOD_SECTIONS}")


def check_checklist(faults):
    page = ROOT / "docs/checklist.md"
    tests = set()
    for file in ROOT.glob("tests/*/*_test.cpp"):
        tests |= {f"{suite}.{name}" for suite, name in re.findall(r"TEST(?:_F|_P)?\((\w+), *(\w+)\)", file.read_text())}
    tests |= {f"example.{file.stem}" for file in ROOT.glob("examples/*.cpp")}
    tests |= {f"cli.{file.stem}" for file in ROOT.glob("tests/cli/*") if file.suffix in (".py", ".sh")}
    for name in re.findall(r"`((?:[A-Z]\w+|example|cli)\.\w+)`", page.read_text()):
        if name not in tests:
            faults.append(f"{page}: names the test {name}, which does not exist")


def main():
    parser = argparse.ArgumentParser(description="Checks that the documentation agrees with the code.")
    parser.add_argument("--examples", type=Path, default=ROOT / "build/release/examples", help="folder of the programs")
    parser.add_argument("--no-run", action="store_true", help="leave the programs' output unchecked")
    parser.add_argument("--update", action="store_true", help="write code and output into the pages")
    options = parser.parse_args()

    faults = []
    outputs = None if options.no_run else Outputs(options.examples)
    for page in PAGES:
        text = page.read_text()
        current = check_blocks(page, text, outputs, options.update, faults)
        if options.update and current != text:
            page.write_text(current)
            print(f"updated {page.relative_to(ROOT)}")
        check_links(page, current, faults)
        check_commands(page, current, faults)
    check_methods(faults)
    check_checklist(faults)
    for fault in faults:
        print(fault.replace(f"{ROOT}/", ""))
    print(f"docs: {len(PAGES)} pages, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

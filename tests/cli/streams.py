"""Streams: every example of docs/streams.md runs on the embedded sample; `mneme show` tells what a stream is."""
import json
import os
import pathlib
import re
import shutil
import unittest

from _mneme import CommandTest

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "streams.md"
LANGUAGES = pathlib.Path(os.environ.get("MNEME_DATA") or "none", "text", "language_id", "language_detection.csv").absolute()
BASE = {"name": 'name = "stream"', "data": 'data = "sample"',
        "learner": 'learner = { kind = "classifier", net = { kind = "mlp", hidden = [8] } }',
        "train": "train = { batch = 64 }"}


class Streams(CommandTest):
    def write(self, text):
        """An experiment with this part, and defaults for what it does not say."""
        top = [line for key, line in BASE.items() if not re.search(rf"^{key} =", text, re.M)]
        (self.folder / "stream.toml").write_text("\n".join(top) + "\n" + text)
        return "stream.toml"

    def run_one(self, text, *words):
        self.mneme("run", self.write(text), *words)
        return self.run_folders()[-1]

    def texts(self):
        reviews = [{"sentence": "good fine nice", "label": "good"}, {"sentence": "bad poor", "label": "bad"}] * 10
        (self.folder / "reviews-train.json").write_text(json.dumps(reviews))
        (self.folder / "reviews-test.json").write_text("".join(json.dumps(row) + "\n" for row in reviews))
        (self.folder / "news.csv").write_text('1,"ball, goal","match"\n2,vote,law\n' * 20)

    def test_every_example_of_the_page_runs(self):
        self.texts()
        examples = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.S)
        self.assertGreater(len(examples), 10)
        for example in examples:
            with self.subTest(example):
                run = self.run_one(example)
                self.assertEqual(json.loads((run / "summary.json").read_text())["status"], "finished")

    def test_show_tells_what_was_drawn_and_what_is_seen(self):
        run = self.run_one('stream = { kind = "split", shuffle = true, with = ["online", "hidden-task"] }')
        page = self.mneme("show", run).stdout
        record = json.loads((run / "summary.json").read_text())["arms"][0]["stream"]
        order = record["notes"]["class order"]
        self.assertEqual(sorted(order.split()), list("0123456789"))
        self.assertRegex(page, rf"class order\s+{order}")
        self.assertIn("task id in training: no", page)
        self.assertRegex(page, r"passes\s+one")
        again = self.run_one(f'stream = {{ kind = "split", order = [{", ".join(order.split())}] }}')
        rows = lambda folder: json.loads((folder / "summary.json").read_text())["arms"][0]["tasks"]
        self.assertEqual(rows(run), rows(again), "the order that is shown is not the one that was trained on")

    @unittest.skipUnless(LANGUAGES.exists(), "no texts below MNEME_DATA")
    def test_languages_are_learnt_one_after_another(self):
        (self.folder / "language_detection.csv").symlink_to(LANGUAGES)
        shutil.copy(PAGE.parents[1] / "examples" / "languages.toml", self.folder)
        self.mneme("run", "languages.toml", "--seed", "0", "--arm", "naive", "--arm", "er",
                   "-s", "train.epochs=2")
        arms = json.loads((self.run_folders()[-1] / "summary.json").read_text())["arms"]
        average = {arm["arm"]: arm["average"] for arm in arms}
        self.assertGreater(average["er"], average["naive"] + 0.1)
        self.assertEqual(len(arms[0]["tasks"]), 4)

    def test_a_part_of_the_classes_is_not_taken_for_the_whole(self):
        run = self.run_one('stream = { kind = "domain", datasets = ["mnist"], classes = 5 }\n')
        found = json.loads(self.mneme("eval", run, "--data", "mnist", "--json").stdout)
        arm = json.loads((run / "summary.json").read_text())["arms"][0]
        self.assertLess(found["samples"], 1000, "the run's own part of it")
        self.assertEqual(found["figures"]["accuracy"], arm["matrix"][-1][0])
        self.refuses(3, "eval", run, "--data", "fashion-mnist", says=["labels up to 9", "5 classes"])
        (self.folder / "own.csv").write_text("a,label\n1,x\n" + "2,y\n" * 9)
        own = 'stream = { kind = "domain", datasets = ["own"], classes = 1 }\n[datasets.own]\nformat = "csv"\n' \
              'train = "own.csv"\ntest_every = 5\n'
        self.refuses(2, "run", self.write(own), says=["stream.classes", "no training samples"])

    def test_hidden_things_are_refused_by_name(self):
        free = self.write('stream = { kind = "split", with = ["boundary-free"] }\nstrategy = "ewc"\n')
        self.refuses(2, "run", free, says=["'ewc'", "task boundaries"])
        online = self.write('stream = { kind = "split", with = ["online"] }\n')
        self.refuses(2, "run", online, "-s", "train.epochs=3", says=["online", "3 times"])
        self.refuses(2, "config", "check", self.write('stream = { kind = "split", with = ["onlin"] }\n'),
                     says=["'onlin'", "online"])
        self.refuses(2, "config", "check",
                     self.write('stream = { kind = "split", with = [{ kind = "blurry", level = 2.0 }] }\n'),
                     says="stream.with.0.level")

    def test_a_text_that_is_damaged_is_named(self):
        self.texts()
        (self.folder / "reviews-test.json").write_text('{"sentence": "a", "label": "good"}\n{"sentence": 3}\n')
        example = next(e for e in re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.S) if "reviews" in e)
        self.refuses(3, "run", self.write(example), says=["reviews-test.json, line 2", "'sentence'"])


if __name__ == "__main__":
    unittest.main()

"""A conditional VAE that forgets classes, by the command: `mneme forget` on a finished run, what it refuses, what it
leaves for a person to see."""
import json
import unittest

from _mneme import CommandTest

BASE = """
name = "digits"
data = "sample"
[stream]
kind = "domain"
datasets = ["mnist"]
[learner]
kind = "cvae"
hidden = 32
[train]
steps = 40
"""
METHOD = '{ kind = "selective-amnesia", steps = 20, fisher_samples = 50 }'


class Amnesia(CommandTest):
    def arm(self, run):
        return json.loads((run / "summary.json").read_text())["arms"][0]

    def trained(self):
        (self.folder / "digits.toml").write_text(BASE)
        self.mneme("run", "digits.toml")
        return self.run_folders()[-1]

    def forget(self, run, *words):
        self.mneme("forget", run, "--method", METHOD, "--out", "after", *words)
        return max((self.folder / "after").glob("*/*"), key=lambda folder: folder.stat().st_mtime)

    def test_a_finished_run_forgets_and_forgets_again(self):
        run = self.trained()
        first = self.forget(run, "--class", 5, "--class", 9)
        self.assertEqual(self.arm(first)["tasks"], ["mnist", "classes 5 9"])
        self.assertEqual([row["kind"] for row in self.arm(first)["rows"]], ["initial", "learn", "forget"])
        self.assertNotEqual(self.arm(first)["parameter_hash"], self.arm(run)["parameter_hash"])
        second = self.forget(first, "--class", 2)
        self.assertEqual([row["task"] for row in self.arm(second)["rows"]][-2:], ["classes 5 9", "class 2"])

        lines = next((first / "arms").glob("*/*/samples/index.jsonl")).read_text().splitlines()
        index = [json.loads(line) for line in lines]
        drawn = {(line["kind"], line["event"]) for line in index}
        for kind in ("classes", "reconstruction", "traversal", "manifold", "interpolation"):
            for event in (0, 1):
                self.assertIn((kind, event), drawn)
        codes = {file.name: file.read_text().splitlines() for file in (first / "arms").glob("*/*/codes/*.csv")}
        self.assertEqual(sorted(codes), ["0_learn.csv", "0_learn_flat.csv", "1_forget.csv", "1_forget_flat.csv"])
        classes = [sorted(line.split(",")[0] for line in codes[name][1:]) for name in codes]
        for other in classes[1:]:
            self.assertEqual(classes[0], other, "before and after are of other test images")

    def test_several_methods_are_arms_beside_the_retrained_one(self):
        (self.folder / "digits.toml").write_text(BASE.replace('"cvae"\nhidden = 32', '"classifier"\nnet = "mlp"'))
        self.mneme("run", "digits.toml")
        run, = self.run_folders()
        self.mneme("forget", run, "--class", 5, "--method", "retrain", "--method", "grad-diff", "--out", "after")
        after, = self.run_folders("after")
        self.assertFalse((after / "shared").exists(), "what both began with was trained once more")
        arms = json.loads((after / "summary.json").read_text())["arms"]
        self.assertEqual([arm["arm"] for arm in arms], ["retrain", "grad-diff"])
        entry, = arms[1]["unlearning"]
        self.assertGreater(entry["distance_to_retrained"]["forget"], 0)
        self.assertEqual(entry["before"], arms[0]["unlearning"][0]["before"], "both began with the same")
        self.assertGreater(entry["before"]["forget_test_accuracy"], entry["forget_test_accuracy"])
        shown = self.mneme("show", after).stdout
        self.assertIn("forgotten, test, before", shown)
        self.refuses(2, "forget", run, "--class", 5, "--method", "salum", "--out", "no", says="salun")
        self.mneme("forget", run, "--class", 5, "--method", "selective-amnesia-classifier", "--out", "alias")
        self.refuses(2, "forget", run, "--class", 5, "--seeds", "0..1", "--out", "no", says="none of the run's")
        self.assertFalse((self.folder / "no").exists())

    def test_the_smoke_experiment_meets_its_requests_in_every_arm_and_is_judged(self):
        # Its model is too poor to show that anything was forgotten: it hardly draws what is asked for before either.
        self.mneme("run", "selective-amnesia-smoke")
        arms = json.loads((self.run_folders()[-1] / "summary.json").read_text())["arms"]
        self.assertEqual([arm["arm"] for arm in arms], ["zero", "five-nine", "nine-then-two", "gray-out"])
        for arm in arms:
            self.assertLess(arm["forgotten_probability"], max(0.1, arm["forgotten_before"]["probability"]), arm["arm"])
            self.assertLess(arm["retained_accuracy_drop"], 0.2, arm["arm"])
            self.assertGreater(arm["judge"]["test_accuracy"], 0.9)

    def test_a_run_that_forgot_without_a_judge_is_judged_before_and_after(self):
        after = self.forget(self.trained(), "--class", 5)
        done = self.mneme("revisit", after, "--judge", "judge", "--samples", "20")
        self.assertIn("Asked to forget class 5", done.stdout)
        self.assertIn("entropy", done.stdout)
        judged = json.loads(next((after / "arms").glob("*/*/judge.json")).read_text())
        self.assertEqual([row["event"] for row in judged["rows"]], [-1, 0, 1])
        for key in ("forgotten_probability", "forgotten_entropy", "retained_accuracy_drop"):
            self.assertIn(key, self.arm(after))

    def test_a_judge_of_ones_own_is_given_by_its_path(self):
        after = self.forget(self.trained(), "--class", 5)
        (self.folder / "mine.toml").write_text(BASE.replace('kind = "cvae"', 'kind = "classifier"').replace(
            "hidden = 32", 'head = "shared"\nnet = "mlp"').replace('"digits"', '"mine"'))
        self.mneme("revisit", after, "--judge", "mine.toml", "--samples", "20")
        judge = self.arm(after)["judge"]
        self.assertEqual(judge["experiment"], str(self.folder.resolve() / "mine.toml"))
        self.assertGreater(judge["test_accuracy"], 0.5)
        self.refuses(2, "revisit", after, "--judge", "nosuch.toml", says="nosuch.toml")
        self.assertEqual(self.arm(after)["judge"], judge, "a refusal loses the judgement")

    def test_a_damaged_judge_is_trained_again(self):
        after = self.forget(self.trained(), "--class", 5, "-s", "judge.experiment=judge", "-s", "judge.samples=5")
        before = self.arm(after)["judge"]
        judges = list((self.folder / "cache/mneme/judges").glob("*/judge/*"))
        self.assertEqual(len(judges), 1)
        for file in judges[0].glob("arms/*/*/checkpoints/*/tensors.safetensors"):
            file.write_bytes(file.read_bytes()[:-100])
        self.mneme("revisit", after)
        self.assertEqual(self.arm(after)["judge"], before)

    def test_revisiting_keeps_the_judgement_of_what_was_before_the_request(self):
        run = self.trained()
        after = self.forget(run, "--class", 5, "-s", "judge.experiment=judge", "-s", "judge.samples=20")
        judged = next((after / "arms").glob("*/*/judge.json"))
        events = [row["event"] for row in json.loads(judged.read_text())["rows"]]
        before = self.arm(after)
        self.assertEqual(events, [0, 1])
        self.mneme("revisit", after)
        rows = json.loads(judged.read_text())["rows"]
        self.assertEqual([row["event"] for row in rows], [-1, 0, 1], "event 0 is what the branch began with")
        self.assertEqual(self.arm(after)["retained_accuracy_drop"], before["retained_accuracy_drop"])
        self.assertEqual(before["forgotten_classes"], [5])
        again = self.forget(after, "--class", 6, "-s", "judge.samples=20")
        self.assertEqual(self.arm(again)["forgotten_classes"], [5, 6])
        other = self.forget(after, "--class", 6, "-s", "judge.samples=10")  # another judge: nothing of before is its own
        self.assertIn("retained_accuracy_drop", self.arm(other))

    def test_what_makes_no_sense_is_refused_and_leaves_nothing(self):
        run = self.trained()
        (self.folder / "numbers.txt").write_text("3\n4\n")
        refused = lambda *words, says: self.refuses(2, "forget", run, "--out", "after", *words, says=says)
        refused("--class", 11, says="class 11 was never learnt; known are the classes 0, 1")
        refused("--class", 5, "--class", 5, says="twice")
        refused(*[word for c in range(10) for word in ("--class", c)], says="nothing would be left")
        refused("--samples", "numbers.txt", says="selective-amnesia forgets classes")
        refused("--task", "mnist", says="selective-amnesia forgets classes")
        self.assertFalse((self.folder / "after").exists())
        first = self.forget(run, "--class", 5)
        self.refuses(2, "forget", first, "--class", 5, "--class", 6, says="class 5 is forgotten already")
        self.refuses(2, "forget", first, "--class", 5, says="class 5 is forgotten already")


if __name__ == "__main__":
    unittest.main()

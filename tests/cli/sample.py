#!/usr/bin/env python3
"""`mneme sample` and `mneme revisit`: what a finished run draws on demand, and its figures made anew. If these fail, a
picture is of something else than was asked for, a refusal helps nobody, or revisiting loses what the run had."""
import json
import shutil
import unittest

from _mneme import CommandTest

TINY = ["--sample", "-s", "learner.width=0.03", "-s", "learner.latent=4", "-s", "train.epochs=1"]


class Sample(CommandTest):
    def lgaa(self, *more):
        self.mneme("run", "lgaa-quick", "--arm", "lifelong", *TINY, *more)
        run, = self.run_folders()
        return run

    def summary(self, run):
        return json.loads((run / "summary.json").read_text())["arms"][0]

    def test_a_picture_by_domain_and_class_is_the_same_each_time(self):
        run = self.lgaa()
        ask = ["sample", run, "--domain", "fashion-mnist", "--class", "3", "--count", "6"]
        done = self.mneme(*ask, "-o", "a.png")
        self.assertEqual(done.stdout, "a.png\n")
        self.assertIn("6 images, class 3", done.stderr)
        self.assertIn("of fashion-mnist", done.stderr)
        picture = (self.folder / "a.png").read_bytes()
        self.assertTrue(picture.startswith(b"\x89PNG"))
        width, height = (int.from_bytes(picture[i:i + 4], "big") for i in (16, 20))
        self.assertEqual((width, height), (3 * 30 - 2, 2 * 30 - 2), "three columns, two rows, two pixels between")
        self.mneme(*ask, "-o", "b.png")
        self.assertEqual(picture, (self.folder / "b.png").read_bytes())
        for other in (["--noise", "1"], ["--checkpoint", "event-1"]):
            self.mneme(*ask, *other, "-o", "c.png")
            self.assertEqual(picture == (self.folder / "c.png").read_bytes(), other[0] == "--checkpoint", other)
        by_number = ["sample", run, "--domain", "1", "--class", "3", "--count", "6", "-o", "d.png"]
        self.mneme(*by_number)
        self.assertEqual(picture, (self.folder / "d.png").read_bytes())

        # A file of each image: the first is the picture's upper left corner, which has no gap.
        self.mneme(*ask, "-o", "each/")
        names = sorted(file.name for file in (self.folder / "each").iterdir())
        self.assertEqual(names, [f"0000{i}.png" for i in range(6)])
        one = (self.folder / "each/00000.png").read_bytes()
        self.assertEqual(tuple(int.from_bytes(one[i:i + 4], "big") for i in (16, 20)), (28, 28))
        self.assertEqual(len({(self.folder / "each" / name).read_bytes() for name in names}), 6)
        self.refuses(2, "sample", run, "--columns", "2", "-o", "each", says="--columns")
        self.refuses(2, *ask, "-o", "each", says="holds files already")
        self.refuses(2, *ask, "-o", "experiment.toml", says=".png")

        # Between two pictures: four rows of fourteen, which begin and end with them.
        ends = ["sample", run, "--from", "each/00000.png", "--to", "each/00001.png"]
        self.mneme(*ends, "-o", "walk.png")
        walk = (self.folder / "walk.png").read_bytes()
        self.assertEqual(tuple(int.from_bytes(walk[i:i + 4], "big") for i in (16, 20)), (14 * 30 - 2, 4 * 30 - 2))
        self.refuses(2, "sample", run, "--from", "each/00000.png", "-o", "x.png", says="--to")
        self.refuses(2, *ends, "--class", "3", "-o", "x.png", says="leave out")
        self.refuses(3, *ends[:-1], "none.png", "-o", "x.png", says="none.png")

        # What it refuses, of the same run.
        self.refuses(2, "sample", run, "--domain", "fashion-mnist", "--checkpoint", "event-0", "-o", "x.png",
                     says=["has not met 'fashion-mnist'", "mnist"])
        self.refuses(2, "sample", run, "--domain", "kmnist", "-o", "x.png", says=["kmnist", "fashion-mnist"])
        self.refuses(2, "sample", run, "--class", "10", "-o", "x.png",
                     says=["--class 10", "mnist or fashion-mnist", "class 9"])
        self.refuses(2, "sample", run, says="-o")
        self.refuses(2, "sample", run, "--count", "0", "-o", "x.png", says="--count 0")
        self.refuses(6, "sample", run, "-o", "no/such/folder/x.png", says="no/such/folder")
        self.refuses(3, "sample", "nowhere", "-o", "x.png", says="is no run folder")
        self.refuses(4, "sample", run, "--checkpoint", "event-7", "-o", "x.png", says="event-0")
        shutil.rmtree(run / "arms/lifelong/seed-0/checkpoints")
        self.refuses(4, "sample", run, "-o", "x.png", says="not begun")
        self.assertFalse((self.folder / "x.png").exists())

    def test_a_branch_may_change_a_weight_of_the_loss_but_not_the_net(self):
        run = self.lgaa()
        self.mneme("branch", f"{run}@event-0", "--arm", "lifelong", "-s", "learner.penalty=5", "--name", "less",
                   "--out", "branches")
        branch, = self.run_folders("branches")
        self.assertEqual(self.summary(branch)["tasks"], self.summary(run)["tasks"])
        self.assertNotEqual(self.summary(branch)["parameter_hash"], self.summary(run)["parameter_hash"])
        self.refuses(4, "branch", f"{run}@event-0", "--arm", "lifelong", "-s", "learner.latent=5", "--out", "none",
                     says="another net")
        self.assertFalse((self.folder / "none").exists())

    def test_a_learner_that_draws_nothing_is_refused_by_name(self):
        self.mneme("run", "demo", "--sample", "--arm", "naive", "-s", "learner.net=mlp", "-s", "train.epochs=1")
        run, = self.run_folders()
        self.refuses(2, "sample", run, "-o", "x.png", says=["classifier", "draws nothing"])

    def test_revisiting_makes_the_same_pictures_and_figures_and_what_was_missing(self):
        run = self.lgaa()
        arm = run / "arms/lifelong/seed-0"
        before = self.summary(run)
        index = (arm / "samples/index.jsonl").read_text()
        pictures = {file.name: file.read_bytes() for file in (arm / "samples").glob("*.png")}
        codes = {file.name: file.read_text() for file in (arm / "codes").glob("*.csv")}
        self.assertEqual(len(before["figures"]["mnist"]["psnr"]), 3)
        self.assertEqual(set(before["codes"]["domains"]), {"mnist", "fashion-mnist"})
        for file in (arm / "samples").glob("*.png"):
            if not file.name.startswith("epochs_"):  # no checkpoint is kept of the ends of epochs
                file.unlink()
        shutil.rmtree(arm / "codes")
        (arm / "codes.json").unlink()
        entry = json.loads((arm / "arm.json").read_text())
        del entry["figures"], entry["codes"]
        (arm / "arm.json").write_text(json.dumps(entry))

        self.mneme("revisit", run)
        after = self.summary(run)
        self.assertEqual((arm / "samples/index.jsonl").read_text(), index)
        self.assertEqual({file.name: file.read_bytes() for file in (arm / "samples").glob("*.png")}, pictures)
        self.assertEqual({file.name: file.read_text() for file in (arm / "codes").glob("*.csv")}, codes)
        self.assertEqual(after["figures"], before["figures"])
        self.assertEqual(after, before)

    def test_revisiting_leaves_an_event_whose_checkpoint_is_gone(self):
        run = self.lgaa()
        arm = run / "arms/lifelong/seed-0"
        index = (arm / "samples/index.jsonl").read_text()
        figures = self.summary(run)["figures"]
        self.refuses(2, "revisit", run, "--judge", "nosuch", says="nosuch")
        self.assertEqual((arm / "samples/index.jsonl").read_text(), index, "a refusal loses the pictures")
        shutil.rmtree(arm / "checkpoints/event-0")
        done = self.mneme("revisit", run)
        self.assertIn("event 0: left as it was", done.stderr)
        self.assertEqual((arm / "samples/index.jsonl").read_text(), index)
        self.assertEqual(self.summary(run)["figures"], figures, "what no checkpoint gives is lost")
        self.refuses(2, "revisit", run, "--samples", "5", says="--judge")
        self.refuses(2, "revisit", run, "--samples", "0", says="1 to 100000")
        self.refuses(2, "revisit", run, "--arm", "none", says="none")


if __name__ == "__main__":
    unittest.main()

"""The user's own tables and pictures: trained on, evaluated and predicted; what the run knows need not be said again."""
import csv
import json
import random
import struct
import unittest
import zlib

from _mneme import CommandTest

OWN = """
name = "own"
stream = {{ kind = "domain", datasets = ["mine"] }}
learner = {{ kind = "classifier", net = {{ kind = "mlp", hidden = [8] }} }}
train = {{ epochs = 40, batch = 8, learning_rate = 0.02 }}
[datasets.mine]
{}
"""


def png(file, width, height, pixels):
    """A gray picture of 8 bits, by hand: signature, IHDR, IDAT, IEND; each row begins with filter 0."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(pixels[y * width:(y + 1) * width]) for y in range(height))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class OwnData(CommandTest):
    def train(self, datasets):
        """The run's folder and the accuracy that its matrix ends with."""
        (self.folder / "own.toml").write_text(OWN.format(datasets))
        self.mneme("run", "own.toml")
        run, = self.run_folders()
        return run, json.loads((run / "summary.json").read_text())["arms"][0]["matrix"][-1][0]

    def accuracy(self, run, what):
        return json.loads(self.mneme("eval", run, "--data", what, "--json").stdout)["figures"]["accuracy"]

    def predicted(self, run, *files):
        """Class and probability, row by row."""
        rows = list(csv.DictReader(self.mneme("predict", run, *files).stdout.splitlines()))
        return [(row["class"], row["probability"]) for row in rows]

    @staticmethod
    def share(predicted, truth):
        return sum(found == true for (found, _), true in zip(predicted, truth, strict=True)) / len(truth)


class Tables(OwnData):
    """The label column is `species`, and a feature bears the name that label columns have by default."""

    def setUp(self):
        super().setUp()
        source = random.Random(4)
        for name, count in (("train", 40), ("test", 15)):
            rows = [(source.random(), source.random()) for _ in range(count)]
            self.rows = [(a, b, "alpha" if a + b > 1 else "beta") for a, b in rows]
            self.write(f"{name}.csv", "label,b,species", self.rows)
        self.run_folder, self.final = self.train('format = "csv"\ntrain = "train.csv"\ntest = "test.csv"\n'
                                                 'label = "species"')

    def write(self, name, head, rows):
        (self.folder / name).write_text(head + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))

    def test_eval_takes_the_runs_label_column(self):
        self.assertGreater(self.final, 0.7, "nothing was learnt: chance is one half")
        self.assertIn("your own: mine", self.mneme("show", self.run_folder).stdout)
        self.assertEqual(self.accuracy(self.run_folder, "test.csv"), self.final)
        self.assertEqual(self.accuracy(self.run_folder, "mine"), self.final, "by the set's name")

    def test_a_persons_records_are_forgotten_by_what_they_are(self):
        """All training samples that equal them, wherever they stand; the order of columns is the training file's."""
        rows = [line.split(",") for line in (self.folder / "train.csv").read_text().splitlines()[1:]]
        self.write("person.csv", "b,label", [(rows[i][1], rows[i][0]) for i in (31, 4)])
        self.mneme("forget", self.run_folder, "--records", "person.csv", "--method", "fine-tune-retained", "--out", "after")
        after, = self.run_folders("after")
        config = "".join((after / "config.toml").read_text().split())
        self.assertIn("samples=[4,31]", config)
        self.write("nobody.csv", "label,b", [(rows[4][0], rows[4][1]), (2, 2)])
        self.refuses(3, "forget", self.run_folder, "--records", "nobody.csv", "--out", "no",
                     says="nobody.csv:2: no training sample of the run equals it")
        self.refuses(2, "forget", self.run_folder, "--records", "person.csv", "--class", 0, "--out", "no", says="either")
        self.refuses(3, "forget", after, "--records", "person.csv", "--out", "no", says="person.csv:1: is forgotten already")
        self.refuses(2, "forget", self.run_folder, "--records", "person.csv", "--as", "her", "--out", "no", says="--as her")
        self.refuses(3, "forget", self.run_folder, "--records", "nosuch.csv", "--out", "no", says="there is no such file")
        self.refuses(2, "forget", self.run_folder, "--class", "gamma", "--out", "no", says=["gamma", "alpha"])
        self.assertFalse((self.folder / "no").exists())

    def test_a_class_is_asked_for_by_its_name(self):
        self.mneme("forget", self.run_folder, "--class", "beta", "--method", "{ kind = 'fine-tune-retained', epochs = 1 }",
                   "--out", "after")
        after, = self.run_folders("after")
        self.assertIn("classes=[1]", "".join((after / "config.toml").read_text().split()))

    def test_predict_takes_a_table_with_and_without_the_label_column(self):
        found = self.predicted(self.run_folder, "test.csv")
        self.assertAlmostEqual(self.share(found, [row[2] for row in self.rows]), self.final)
        self.write("bare.csv", "label,b", [row[:2] for row in self.rows])
        self.assertEqual(self.predicted(self.run_folder, "bare.csv"), found)
        self.write("quoted.csv", '"label","b","species"', self.rows)
        self.assertEqual(self.predicted(self.run_folder, "quoted.csv"), found, "a quoted name is the same name")

    def test_eval_numbers_classes_as_the_run_does(self):
        """A table of `beta` alone: its only class is the run's second."""
        beta = [row for row in self.rows if row[2] == "beta"]
        self.write("beta.csv", "label,b,species", beta)
        found = self.predicted(self.run_folder, "beta.csv")
        self.assertAlmostEqual(self.accuracy(self.run_folder, "beta.csv"), self.share(found, ["beta"] * len(beta)))
        self.write("new.csv", "label,b,species", [(0.1, 0.2, "gamma")])
        self.refuses(3, "eval", self.run_folder, "--data", "new.csv", says=["'gamma'", "alpha, beta"])


class Pictures(OwnData):
    def setUp(self):
        super().setUp()
        source = random.Random(5)
        for split, count in (("train", 16), ("test", 6)):
            for name, darkest in (("bright", 150), ("dark", 0)):
                for i in range(count):
                    png(self.folder / "pictures" / split / name / f"{i}.png", 6, 5,
                        [darkest + source.randrange(106) for _ in range(30)])

    def test_folder_of_pictures_is_trained_on_evaluated_and_predicted(self):
        run, final = self.train('train = "pictures/train"\ntest = "pictures/test"')
        self.assertGreater(final, 0.8, "dark and bright are not told apart: chance is one half")
        self.assertEqual(self.accuracy(run, "pictures/test"), final)
        files = sorted((self.folder / "pictures/test").rglob("*.png"))
        found = self.predicted(run, *files)
        self.assertAlmostEqual(self.share(found, [file.parent.name for file in files]), final)
        sets = json.loads((run / "summary.json").read_text())["data"]
        self.assertEqual((sets["kind"], [s["count"] for s in sets["sets"]]), ("custom", [32, 12]))

    def test_what_a_stream_did_to_its_pictures_is_done_to_those_from_outside(self):
        """A domain stream pads the smaller set: the same files, given one by one, as a folder or by name, must come out
        as in the matrix. A picture of another size is resized; a table of as many numbers in another shape is not."""
        source = random.Random(6)
        for split, count in (("train", 16), ("test", 6)):
            for name, place in (("left", 0), ("right", 2)):
                for i in range(count):
                    pixels = [source.randrange(60) + (180 if (x // 2) * 2 == place else 0) for _ in range(4) for x in range(4)]
                    png(self.folder / "tiny" / split / name / f"{i}.png", 4, 4, pixels)
        (self.folder / "two.toml").write_text(OWN.format('train = "pictures/train"\ntest = "pictures/test"').replace(
            '"mine"]', '"mine", "small"]') + '[datasets.small]\ntrain = "tiny/train"\ntest = "tiny/test"\n')
        for fit in ("pad", "resize"):
            with self.subTest(fit):
                self.mneme("run", "two.toml", "-s", "strategy={ kind = 'er', memory = 20 }", "-s", f"stream.fit={fit}", "--out", fit)
                self.from_outside_as_in_the_matrix(*self.run_folders(fit))

    def from_outside_as_in_the_matrix(self, run):
        arm = json.loads((run / "summary.json").read_text())["arms"][0]
        for column, name in enumerate(["mine", "small"]):
            final = arm["matrix"][-1][column]
            folder = {"mine": "pictures/test", "small": "tiny/test"}[name]
            files = sorted((self.folder / folder).rglob("*.png"))
            figures = []
            for what in (name, folder):
                done = self.mneme("eval", run, "--data", what, "--task", name, "--json").stdout
                figures.append(json.loads(done)["figures"])
                self.assertAlmostEqual(figures[-1]["accuracy"], final, msg=what)
            self.assertEqual(*figures, "accuracy may hide that the pictures are others")
            rows = csv.DictReader(self.mneme("predict", run, *files, "--task", name).stdout.splitlines())
            hits = [row["class"] == file.parent.name for row, file in zip(rows, files, strict=True)]
            self.assertAlmostEqual(sum(hits) / len(hits), final, msg=name)
        png(self.folder / "other.png", 12, 10, [200] * 120)
        self.assertEqual(len(self.predicted(run, "other.png")), 1)
        self.refuses(3, "predict", run, "nowhere.png", says="there is no such file")

    def test_pictures_without_classes_have_no_labels(self):
        for split in ("train", "test"):
            for i in range(12):
                png(self.folder / "flat" / split / f"{i}.png", 8, 8, [(37 * i + 11 * p) % 256 for p in range(64)])
        lgaa = OWN.format('train = "flat/train"\ntest = "flat/test"').replace(
            'kind = "classifier", net = { kind = "mlp", hidden = [8] }',
            'kind = "lgaa", width = 0.1, latent = 4, domains = 1, mode = "unsupervised"').replace("epochs = 40", "epochs = 1")
        (self.folder / "flat.toml").write_text(lgaa)
        self.mneme("run", "flat.toml")
        run, = self.run_folders()
        arm = json.loads((run / "summary.json").read_text())["arms"][0]
        self.assertEqual(arm["metric"], "squared_error")
        self.assertNotIn("confusion", arm)
        self.assertIn("squared error", self.mneme("show", run).stdout)
        rows = self.mneme("predict", run, "flat/test/0.png").stdout.splitlines()
        self.assertEqual(rows, ["file,domain", "flat/test/0.png,mine"], "without labels there are no classes to tell")
        self.refuses(3, "run", "flat.toml", "-s", "learner.mode=supervised", says=["without a label", "unsupervised"])
        found = json.loads(self.mneme("eval", run, "--data", "flat/test", "--json").stdout)
        self.assertAlmostEqual(found["figures"]["squared_error"], arm["matrix"][-1][0], places=4)
        self.mneme("importance", run, "--data", "mine")
        (self.folder / "two.toml").write_text(lgaa.replace('"mine"]', '"mine", "more"]').replace("domains = 1", "domains = 2") +
                                              '\n[datasets.more]\ntrain = "pictures/train"\ntest = "pictures/test"\n')
        self.mneme("run", "two.toml", "--out", "two")
        both, = self.run_folders("two")
        self.mneme("forget", both, "--task", "more", "--method", "{ kind = 'fine-tune-retained', epochs = 1 }", "--out", "less")
        less, = self.run_folders("less")
        self.assertNotIn("unlearning", json.loads((less / "summary.json").read_text())["arms"][0], "codes are no classes")

    def test_damaged_picture_is_named(self):
        file = self.folder / "pictures/train/dark/3.png"
        file.write_bytes(file.read_bytes()[:50])
        (self.folder / "own.toml").write_text(OWN.format('train = "pictures/train"\ntest = "pictures/test"'))
        self.refuses(3, "run", "own.toml", says="dark/3.png")


class Plot(CommandTest):
    def test_missing_run_is_named_before_what_would_draw_it(self):
        self.env["PATH"] = str(self.folder)  # no Python, and so no matplotlib either
        done = self.refuses(3, "plot", "nothing", says=["'nothing'", "no run folder"])
        self.assertNotIn("matplotlib", done.stderr)


if __name__ == "__main__":
    unittest.main()

"""Files of every format as data of a run, and for a stored run: eval and predict read them as the run did."""
import csv
import json
import pathlib
import random
import re
import struct
import unittest
import zlib

from _mneme import CommandTest

RUN = """
name = "files"
stream = {{ kind = "domain", datasets = ["mine"] }}
learner = {{ kind = "classifier", net = {{ kind = "{net}" }} }}
train = {{ epochs = {epochs}, batch = 8, learning_rate = 0.01 }}
[datasets.mine]
{set}
"""


class DataFiles(CommandTest):
    def train(self, dataset, net="mlp", epochs=20):
        """The run's folder and the accuracy that its matrix ends with."""
        (self.folder / "files.toml").write_text(RUN.format(set=dataset, net=net, epochs=epochs))
        self.mneme("run", "files.toml")
        run = self.run_folders()[-1]
        return run, json.loads((run / "summary.json").read_text())["arms"][0]["matrix"][-1][0]

    def accuracy(self, run, what, *words):
        return json.loads(self.mneme("eval", run, "--data", what, *words, "--json").stdout)["figures"]["accuracy"]

    def predicted(self, run, *words):
        return [row["class"] for row in csv.DictReader(self.mneme("predict", run, *words).stdout.splitlines())]


class Page(DataFiles):
    def test_every_table_of_the_page_is_right(self):
        page = pathlib.Path(__file__).resolve().parents[2] / "docs" / "data.md"
        tables = re.findall(r"```toml\n(\[datasets\.(\w+)\].*?)```", page.read_text(), re.S)
        self.assertGreater(len(tables), 4)
        for table, name in tables:
            with self.subTest(table):
                (self.folder / "page.toml").write_text(f'stream = {{ kind = "domain", datasets = ["{name}"] }}\n'
                                                       'learner = "classifier"\n' + table)
                self.assertIn("ok", self.mneme("config", "check", "page.toml").stdout)


class OldTasks(DataFiles):
    """Strategies that answer an old task with other parameters than the newest: predict asks them as eval does."""

    def test_predict_answers_as_eval_does(self):
        source = random.Random(3)
        rows = [(label, [source.gauss(3 if i == k else 0, 1) for k in range(4)])
                for i, label in enumerate("abcd") for _ in range(40)]
        for name, labels in [("all.csv", "abcd"), ("first.csv", "ab")]:
            (self.folder / name).write_text("label,p,q,r,s\n" + "".join(
                f"{label},{','.join(map(str, numbers))}\n" for label, numbers in rows if label in labels))
        for strategy, net in [("separate", "mlp"), ("packnet", "mlp"), ("pnn", "progressive"), ("xdg", "mlp")]:
            with self.subTest(strategy):
                (self.folder / "t.toml").write_text(
                    f'strategy = "{strategy}"\nstream = {{ kind = "split", dataset = "mine", tasks = 2, '
                    f'scenario = "task" }}\nlearner = {{ kind = "classifier", net = {{ kind = "{net}", hidden = [16] '
                    f'}} }}\ntrain = {{ epochs = 30, batch = 8, learning_rate = 0.02 }}\n[datasets.mine]\n'
                    f'format = "csv"\ntrain = "all.csv"\ntest = "all.csv"\n')
                self.mneme("run", "t.toml", "--out", strategy)
                run = self.run_folders(strategy)[-1]
                task = json.loads((run / "summary.json").read_text())["arms"][0]["tasks"][0]
                accuracy = self.accuracy(run, "first.csv", "--task", task)
                self.assertGreater(accuracy, 0.9, "the first task was not learnt")
                answers = self.predicted(run, "first.csv", "--task", task)
                right = sum(answer == label for answer, (label, _) in zip(answers, rows))
                self.assertAlmostEqual(right / len(answers), accuracy, 6)


class Texts(DataFiles):
    """Reviews that are told apart by one word."""

    def setUp(self):
        super().setUp()
        source = random.Random(1)
        word = {"good": ["fine", "nice", "great"], "bad": ["poor", "dull", "awful"]}
        self.rows = [(label, f"the film number {source.randrange(9)} was {source.choice(word[label])}")
                     for label in source.choices(["good", "bad"], k=60)]
        self.write("train.json", "".join(json.dumps({"kind": k, "said": s}) + "\n" for k, s in self.rows))
        self.run_folder, self.final = self.train('format = "json"\ntrain = "train.json"\ntest = "train.json"\n'
                                                 'label = "kind"\ntext = ["said"]\nwords = "bag"\nvocabulary = 300')

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def test_eval_reads_texts_with_the_runs_keys_and_words(self):
        self.assertGreater(self.final, 0.9, "nothing was learnt: chance is one half")
        self.assertEqual(self.accuracy(self.run_folder, "train.json"), self.final)
        self.write("train.tsv", "kind\tsaid\n" + "".join(f"{k}\t{s}\n" for k, s in self.rows))
        self.assertEqual(self.accuracy(self.run_folder, "train.tsv"), self.final, "the same texts in a table")
        self.write("train.all", "".join(json.dumps({"kind": k, "said": s}) + "\n" for k, s in self.rows))
        self.assertEqual(self.accuracy(self.run_folder, "train.all", "--as", "mine"), self.final)

    def test_predict_takes_texts_without_labels(self):
        found = self.predicted(self.run_folder, "train.json")
        self.assertAlmostEqual(sum(f == k for f, (k, _) in zip(found, self.rows)) / 60, self.final)
        self.write("bare.txt", "".join(s + "\n" for _, s in self.rows))
        self.assertEqual(self.predicted(self.run_folder, "bare.txt"), found)
        self.write("bare.json", "".join(json.dumps({"said": s}) + "\n" for _, s in self.rows))
        self.assertEqual(self.predicted(self.run_folder, "bare.json"), found)

    def test_what_does_not_fit_is_refused(self):
        self.write("records.bin", "\1" + "p" * 3072)
        self.refuses(3, "eval", self.run_folder, "--data", "records.bin", says=["records.bin", "3 x 32 x 32", "takes 300"])
        self.write("new.json", json.dumps({"kind": "mixed", "said": "so so"}))
        self.refuses(3, "eval", self.run_folder, "--data", "new.json", says=["'mixed'", "bad, good"])
        self.write("picture.png", "x")
        self.refuses(3, "predict", self.run_folder, "picture.png", says=["picture.png", "numbers or words"])
        self.refuses(2, "eval", self.run_folder, "--data", "train.json", "--as", "yours", says=["yours", "mine"])


class WordIds(DataFiles):
    def test_ids_are_made_with_the_runs_vocabulary_and_length(self):
        (self.folder / "sms.tsv").write_text("".join(f"{label}\tword{label} and {i}\n" for i in range(20)
                                                     for label in ("ham", "spam")))
        run, final = self.train('format = "tsv"\ntrain = "sms.tsv"\ntest_every = 4\nlabel = "0"\ntext = ["1"]\n'
                                'vocabulary = 4096\nlength = 6', net="embedding-bag")
        self.assertEqual(final, 1)
        self.assertEqual(self.accuracy(run, "sms.tsv"), 1)
        (self.folder / "bare.txt").write_text("wordspam and 77\nwordham and 78\n")
        self.assertEqual(self.predicted(run, "bare.txt"), ["spam", "ham"])
        (self.folder / "numbers.csv").write_text("a,b,c,d,e,f,0\n1,2,3,4,5,6,ham\n")
        done = self.mneme("eval", run, "--data", "numbers.csv", status=3)
        self.assertIn("numbers.csv", done.stderr)


def little_endian_mat(pictures, labels):
    """A MAT-file of level 5 by hand: X [H, W, C, N] from pictures [N][C][H][W], y, both compressed."""
    def element(kind, data):
        return struct.pack("<II", kind, len(data)) + data + b"\0" * (-len(data) % 8)

    def matrix(name, shape, data):
        packed = zlib.compress(element(14, element(6, struct.pack("<II", 9, 0)) +
                                       element(5, struct.pack(f"<{len(shape)}i", *shape)) + element(1, name) +
                                       element(2, data)))
        return struct.pack("<II", 15, len(packed)) + packed

    count, channels, height, width = len(pictures), len(pictures[0]), len(pictures[0][0]), len(pictures[0][0][0])
    x = bytes(pictures[n][c][h][w] for n in range(count) for c in range(channels)
              for w in range(width) for h in range(height))
    return (b"MATLAB 5.0".ljust(124) + struct.pack("<H", 0x0100) + b"IM" +
            matrix(b"X", [height, width, channels, count], x) + matrix(b"y", [count, 1], bytes(labels)))


class Pictures(DataFiles):
    """Records of CIFAR in which the upper or the lower half is bright."""

    def setUp(self):
        super().setUp()
        source = random.Random(2)
        for name, count in (("train", 40), ("test", 12)):
            labels = [source.randrange(2) for _ in range(count)]
            pictures = [[[[source.randrange(100) + 150 * ((y < 16) == (label == 0)) for _ in range(32)]
                          for y in range(32)] for _ in range(3)] for label in labels]
            records = b"".join(bytes([label]) + bytes(v for plane in p for row in plane for v in row)
                               for label, p in zip(labels, pictures))
            (self.folder / "records").mkdir(exist_ok=True)
            (self.folder / "records" / f"{name}.bin").write_bytes(records)
            self.labels, self.pictures = labels, pictures

    def test_records_are_trained_on_evaluated_and_predicted(self):
        run, final = self.train('format = "cifar10"\ntrain = "records"', epochs=6)
        self.assertGreater(final, 0.8, "nothing was learnt: chance is one half")
        self.assertEqual(self.accuracy(run, "records/test.bin"), final)
        found = self.predicted(run, "records/test.bin")
        names = ["airplane", "automobile"]
        self.assertAlmostEqual(sum(f == names[l] for f, l in zip(found, self.labels)) / 12, final)
        (self.folder / "same.mat").write_bytes(little_endian_mat(self.pictures, [l + 1 for l in self.labels]))
        self.assertEqual(self.predicted(run, "same.mat"), found, "the same pictures, column by column")
        (self.folder / "small.mat").write_bytes(little_endian_mat([[[[1, 2], [3, 4]]]], [1]))
        self.refuses(3, "predict", run, "small.mat", says=["small.mat", "1 x 2 x 2", "3 x 32 x 32"])

    def test_damage_is_named_with_its_place(self):
        file = self.folder / "records" / "train.bin"
        file.write_bytes(b"\x0b" + file.read_bytes()[1:])
        (self.folder / "files.toml").write_text(RUN.format(set='format = "cifar10"\ntrain = "records"', net="mlp", epochs=1))
        self.refuses(3, "run", "files.toml", says=["train.bin, byte 0", "label of record 0 is 11"])
        file.write_bytes(file.read_bytes()[:5000])
        self.refuses(3, "run", "files.toml", says=["train.bin", "byte"])


if __name__ == "__main__":
    unittest.main()

"""Bad input, as a new user would give it: its exit code, a sentence that helps, and nothing lost."""
import json
import resource
import shutil
import signal
import unittest

from _mneme import QUICK, CommandTest


def small_files(limit):
    """In a process to be started: no file grows beyond `limit` bytes, as if the disk were full."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


class CommandLine(CommandTest):
    def test_unknown_verb_names_the_nearest(self):
        self.refuses(2, "rnu", says=["unknown verb 'rnu'", "did you mean 'run'"])
        self.refuses(2, "data", "gte", "mnist", says="did you mean 'get'")

    def test_unknown_flag_names_the_nearest(self):
        self.refuses(2, "run", "demo", "--sed", "1", says=["'--sed'", "--seed"])

    def test_missing_argument_is_usage(self):
        self.refuses(2, "run", says="experiment")

    def test_values_out_of_form_are_refused_before_anything_is_made(self):
        self.refuses(2, "run", "demo", "--stop-after", "5x", says=["5x", "90s"])
        self.refuses(2, "run", "demo", "--seeds", "3..1", says="3..1")
        self.refuses(2, "run", "demo", "--jobs", "0", says="--jobs")
        self.refuses(2, "run", "demo", "--seeds", "9223372036854775807..9223372036854775807", says="from 0 to")
        self.refuses(2, "run", "demo", "--seed", "9223372036854775807", says="--seed")
        self.refuses(2, "run", "demo", "--data", "nowhere", says=["nowhere", "no such folder"])
        self.refuses(2, "run", "demo", "-s", "train.batch=9223372036854775807", says="train.batch")
        self.refuses(2, "run", "demo", "--seed", "1", "--seeds", "0..1", says="exclude each other")
        self.assertFalse((self.folder / "runs").exists())


class Configuration(CommandTest):
    def tearDown(self):
        self.assertFalse((self.folder / "runs").exists(), "a refused configuration left a run folder")

    def test_misspelt_strategy(self):
        self.refuses(2, "run", "demo", "-s", "arm.ewc.strategy=ewk", says=["unknown strategy 'ewk'", "'ewc'"])

    def test_negative_lambda(self):
        self.refuses(2, "run", "demo", "-s", "arm.ewc.strategy.lambda=-1", says=["lambda", "-1", "minimum 0"])

    def test_key_is_named_as_it_was_typed(self):
        self.assertIn("mneme: train.epcohs", self.refuses(2, "run", "demo", "-s", "train.epcohs=1").stderr)

    def test_unknown_key_names_the_nearest(self):
        self.refuses(2, "run", "demo", "-s", "train.epoch=3", says=["epoch", "'epochs'"])

    def test_strategy_that_no_arm_would_see(self):
        self.refuses(2, "run", "demo", "-s", "strategy=er", says=["naive, ewc", "-s arm.ewc.strategy=er"])

    def test_unknown_experiment_arm_and_file(self):
        self.refuses(2, "run", "demmo", says="'demo'")
        self.refuses(2, "run", "demo", "--arm", "ewcc", says="'ewc'")
        self.refuses(2, "run", "none.toml", says="none.toml")

    def test_broken_toml_names_file_and_line(self):
        (self.folder / "broken.toml").write_text('name = "x"\n[stream\n')
        self.refuses(2, "config", "check", "broken.toml", says="broken.toml:2")

    def test_net_that_the_data_does_not_fit(self):
        rows = "".join(f"{i / 10},{1 - i / 10},{i % 2}\n" for i in range(8))
        (self.folder / "rows.csv").write_text("a,b,label\n" + rows)
        (self.folder / "own.toml").write_text("""
            [stream]
            kind = "domain"
            datasets = ["mine"]
            [datasets.mine]
            format = "csv"
            train = "rows.csv"
            test = "rows.csv"
            [learner]
            kind = "classifier"
            net = "cnn"
        """)
        self.refuses(2, "run", "own.toml", says=["cnn", "mlp"])


class Data(CommandTest):
    def test_folder_without_data_gives_the_line_that_gets_it(self):
        (self.folder / "empty").mkdir()
        words = ["run", "demo", "-s", "data=full", "-s", 'stream.datasets=["kmnist"]', "--data", "empty"]
        self.refuses(3, *words, says=["mneme data get kmnist", "empty"])
        self.refuses(3, *words, "--dry-run", says="mneme data get kmnist")
        self.assertFalse((self.folder / "runs").exists())
        self.refuses(3, "data", "path", "kmnist", says="mneme data get kmnist")

    def test_own_folder_without_pictures(self):
        (self.folder / "empty").mkdir()
        self.refuses(3, "run", "demo", "-s", 'stream.datasets=["mine"]', "-s",
                     'datasets.mine={ train = "empty", test = "empty" }', says="empty")

    def test_no_run_folder(self):
        for verb in ("show", "report", "resume", "compare"):
            self.refuses(3, verb, "nothing", says="no run folder")
        self.refuses(3, "runs", "nothing", says="nothing")


class Output(CommandTest):
    def test_folder_that_cannot_be_made(self):
        (self.folder / "file").write_text("kept")
        self.refuses(6, "run", "demo", *QUICK, "--out", "file/runs", says=["file/runs", "--out"])
        self.assertEqual((self.folder / "file").read_text(), "kept")

    def test_full_standard_output(self):
        with open(self.folder / "full", "w", encoding="utf-8") as full:
            done = self.mneme("list", status=6, stdout=full, preexec_fn=lambda: small_files(100))
        self.assertIn("standard output cannot be written", done.stderr)

    def test_disk_that_fills_while_checkpointing(self):
        done = self.mneme("run", "demo", *QUICK, status=6, preexec_fn=lambda: small_files(1_000_000))
        self.assertIn("cannot write", done.stderr)
        self.assertIn("mneme resume", done.stderr)
        run, = self.run_folders()
        self.assertEqual(json.loads((run / "summary.json").read_text())["status"], "failed")
        self.assertEqual([p for p in run.rglob("*") if ".writing-" in p.name or p.name.endswith(".tmp")], [])
        self.mneme("resume", run)  # with room again, it goes on
        self.assertEqual(json.loads((run / "summary.json").read_text())["status"], "finished")


class Stored(CommandTest):
    """Run folders that somebody or something has damaged."""

    def setUp(self):
        super().setUp()
        self.mneme("run", "demo", *QUICK, "--arm", "ewc")
        self.stored, = self.run_folders()
        self.arm = self.stored / "arms" / "ewc" / "seed-0"

    def unfinish(self):
        """Makes the run one that was killed after its first event."""
        shutil.rmtree(self.arm / "checkpoints" / "final")
        shutil.rmtree(self.arm / "checkpoints" / "event-1")
        entry = json.loads((self.arm / "arm.json").read_text())
        (self.arm / "arm.json").write_text(json.dumps({**entry, "status": "running"}))
        return entry["training_hash"]

    def test_checkpoint_of_another_net(self):
        before = sorted(self.stored.rglob("*"))
        self.refuses(4, "branch", self.stored, "-s", "learner.net.hidden=[10]", "--out", "branches", says="another net")
        self.assertFalse((self.folder / "branches").exists())
        self.assertEqual(sorted(self.stored.rglob("*")), before)

    def test_resuming_on_the_checkpoint_of_another_net(self):
        for hidden in ("[10, 10]", "[10]"):
            with self.subTest(hidden=hidden):
                out = "other" + str(len(hidden))
                self.mneme("run", "demo", *QUICK, "--arm", "ewc", "-s", f"learner.net.hidden={hidden}", "--out", out)
                foreign, = self.run_folders(out)
                checkpoints = self.arm / "checkpoints"
                shutil.rmtree(checkpoints)
                shutil.copytree(foreign / "arms/ewc/seed-0/checkpoints/event-0", checkpoints / "event-0")
                entry = json.loads((self.arm / "arm.json").read_text())
                (self.arm / "arm.json").write_text(json.dumps({**entry, "status": "stopped"}))
                log = (self.arm / "metrics.jsonl").read_bytes()
                done = self.mneme("resume", self.stored, status=4)
                self.assertIn("another net", done.stderr)
                self.assertEqual((self.arm / "metrics.jsonl").read_bytes(), log, "nothing that was there is lost")

    def test_damaged_checkpoint(self):
        self.unfinish()
        (self.arm / "checkpoints" / "event-0" / "tensors.safetensors").write_bytes(b"\0" * 100)
        done = self.mneme("resume", self.stored, status=4)
        self.assertIn("tensors.safetensors", done.stderr)

    def test_unknown_checkpoint_names_what_there_is(self):
        self.refuses(4, "branch", f"{self.stored}@evnt-0", "--out", "branches", says="event-0")
        self.assertFalse((self.folder / "branches").exists())

    def test_half_written_line(self):
        wanted = self.unfinish()
        with open(self.arm / "metrics.jsonl", "a", encoding="utf-8") as log:
            log.write('{"kind": "step", "ev')
        done = self.mneme("report", self.stored)
        self.assertIn("note:", done.stderr)
        self.mneme("resume", self.stored)
        for line in (self.arm / "metrics.jsonl").read_text().splitlines():
            json.loads(line)
        self.assertEqual(json.loads((self.arm / "arm.json").read_text())["training_hash"], wanted)

    def test_damaged_summary(self):
        (self.stored / "summary.json").write_text('{"format": 1, "arms": [')
        self.refuses(3, "show", self.stored, says="summary.json")
        self.assertIn("unreadable", self.mneme("runs").stdout)

    def test_branch_that_could_not_go_on_leaves_nothing(self):
        self.refuses(4, "branch", self.stored, "-s", "train.optimizer=sgd", "-s", "train.at_boundary=keep", "--out",
                     "branches", says=["adam", "sgd"])
        self.assertFalse((self.folder / "branches").exists())

    def test_figures_in_an_unknown_format(self):
        self.refuses(2, "plot", self.stored, "--format", "gif", says=["gif", "svg, png or pdf"])

    def test_strategy_that_would_have_had_to_watch(self):
        self.refuses(2, "branch", self.stored, "-s", "strategy=er", "--out", "branches", says="from the beginning")
        self.assertFalse((self.folder / "branches").exists())


if __name__ == "__main__":
    unittest.main()

"""Runs from begin to end: what is printed where, what is left, and that stopping, resuming and branching change nothing."""
import json
import signal
import time
import unittest

from _mneme import QUICK, CommandTest

LONG = ["-s", "learner.net=mlp", "-s", "train.epochs=200", "-s", "evaluate.every_steps=0"]


class Runs(CommandTest):
    def summary(self, run):
        return json.loads((run / "summary.json").read_text())

    def hashes(self, run):
        return {(a["arm"], a["seed"]): a["training_hash"] for a in self.summary(run)["arms"]}

    def without_time(self, run):
        """All logs of all arms without what is allowed to differ."""
        logs = {}
        for file in sorted(run.glob("arms/*/*/metrics.jsonl")):
            lines = [json.loads(line) for line in file.read_text().splitlines()]
            for line in lines:
                for key in [k for k in line if k == "time" or k.endswith("_seconds")]:
                    del line[key]
            logs[file.relative_to(run)] = lines
        return logs

    def test_results_on_stdout_and_talk_on_stderr(self):
        done = self.mneme("run", "demo", *QUICK)
        run, = self.run_folders()
        self.assertIn("fashion-mnist", done.stdout)
        self.assertIn(f"report  {run.relative_to(self.folder)}/report.html", done.stdout)
        self.assertNotIn("event 0", done.stdout)
        self.assertIn("event 0", done.stderr)
        self.assertNotIn("\x1b", done.stdout + done.stderr, "escape codes without a terminal")
        self.assertTrue((run / "report.html").stat().st_size > 10_000)
        self.assertIn("event 1: mnist done", (run / "arms/ewc/seed-0/log.txt").read_text())
        self.assertEqual(self.summary(run)["status"], "finished")
        self.assertFalse((run / "lock").exists())
        self.assertEqual(self.mneme("run", "demo", *QUICK, "-q").stderr, "")

    def test_json_is_the_summary_alone(self):
        done = self.mneme("run", "demo", *QUICK, "--json", "--seeds", "1..2", "--arm", "naive")
        run, = self.run_folders()
        self.assertEqual(json.loads(done.stdout), self.summary(run))
        self.assertEqual(list(self.hashes(run)), [("naive", 1), ("naive", 2)])

    def test_written_configuration_runs_again_to_the_same_bits(self):
        self.mneme("run", "demo", *QUICK)
        first, = self.run_folders()
        self.mneme("run", first / "config.toml", "--out", "again")
        again, = self.run_folders("again")
        self.assertEqual((first / "config.toml").read_text(), (again / "config.toml").read_text())
        self.assertEqual(self.hashes(first), self.hashes(again))

    def test_dry_run_writes_nothing_and_prints_toml_that_runs(self):
        done = self.mneme("run", "demo", *QUICK, "--dry-run")
        self.assertIn("shared/0/seed-0: the first event of naive, ewc", done.stdout)
        self.assertEqual(self.run_folders(), [])
        (self.folder / "resolved.toml").write_text(done.stdout)
        self.assertEqual(self.mneme("run", "resolved.toml", "--dry-run").stdout, done.stdout)

    def test_jobs_give_the_same_bits(self):
        self.mneme("run", "demo", *QUICK, "--seeds", "0..1")
        self.mneme("run", "demo", *QUICK, "--seeds", "0..1", "--jobs", "2", "--out", "jobs")
        (alone,), (jobs,) = self.run_folders(), self.run_folders("jobs")
        self.assertEqual(len(self.hashes(alone)), 4)
        self.assertEqual(self.hashes(alone), self.hashes(jobs))
        self.assertEqual(self.without_time(alone), self.without_time(jobs))
        self.assertEqual(self.summary(jobs)["status"], "finished")

    def test_stopped_and_resumed_equals_undisturbed(self):
        settings = ["-s", "learner.net=mlp", "-s", "train.epochs=8", "-s", "train.log_every=5"]
        self.mneme("run", "demo", *settings)
        wanted, = self.run_folders()
        self.mneme("run", "demo", *settings, "--stop-after", "0.4s", "--out", "stopped", status=75)
        run, = self.run_folders("stopped")
        self.assertEqual(self.summary(run)["status"], "stopped")
        self.assertIn("stopped", self.mneme("runs", "stopped").stdout)
        self.mneme("resume", run)
        self.assertEqual(self.hashes(run), self.hashes(wanted))
        self.assertEqual(self.without_time(run), self.without_time(wanted))
        for arm in ("naive", "ewc"):
            file = f"arms/{arm}/seed-0/matrix.csv"
            self.assertEqual((run / file).read_text(), (wanted / file).read_text())

    def test_a_gpus_run_is_left_as_it_is_where_there_is_no_gpu(self):
        if json.loads(self.mneme("doctor", "--json").stdout)["cuda"] == "yes":
            self.skipTest("here is one")
        self.mneme("run", "demo", "-s", "learner.net=mlp", "-s", "train.epochs=8", "--stop-after", "0.3s", status=75)
        run, = self.run_folders()
        config = run / "config.toml"
        config.write_text(config.read_text().replace('device = "cpu"', 'device = "cuda"'))
        before = (run / "summary.json").read_text()
        self.refuses(2, "resume", run, says=["device", "--allow-drift"])
        self.assertEqual((run / "summary.json").read_text(), before)

    def begin_long(self, *words):
        process = self.start("run", "demo", *LONG, *words)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        limit = time.monotonic() + 60
        while not list((self.folder / "runs").glob("*/*/shared/0/seed-0/log.txt")) and time.monotonic() < limit:
            time.sleep(0.05)
        time.sleep(0.5)
        run, = self.run_folders()
        return process, run

    def test_signal_leaves_a_checkpoint_and_says_how_to_go_on(self):
        for sent, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(signal=sent):
                process, run = self.begin_long("-v")
                process.send_signal(sent)
                _, talk = process.communicate(timeout=60)
                self.assertEqual(process.returncode, status, talk)
                self.assertIn(f"mneme resume {run.relative_to(self.folder)}", talk)
                self.assertEqual(self.summary(run)["status"], "stopped")
                self.assertTrue(list((run / "shared/0/seed-0/checkpoints").glob("step-*/state.json")))
                run.rename(self.folder / f"done-{status}")

    def test_signal_reaches_the_jobs(self):
        process, run = self.begin_long("--jobs", "2", "--seeds", "0..1")
        process.send_signal(signal.SIGTERM)
        _, talk = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 143, talk)
        self.assertEqual(self.summary(run)["status"], "stopped")

    def test_live_run_is_refused_and_a_killed_one_is_seen(self):
        process, run = self.begin_long()
        self.refuses(2, "resume", run, says=["live", str(process.pid)])
        self.assertIn("running", self.mneme("runs").stdout)
        process.kill()
        process.communicate()
        self.assertIn("interrupted", self.mneme("runs").stdout)

    def test_a_failed_prefix_stops_its_own_arms_only(self):
        """Wrong: one diverged arm keeps every other from being trained."""
        rates = [word for arm in ("naive", "ewc") for word in ("-s", f"arm.{arm}.train.learning_rate=1e30")]
        done = self.mneme("run", "demo", *QUICK, *rates, "-s", "arm.joint.strategy=joint", status=5)
        run, = self.run_folders()
        ended = {entry["arm"]: entry["status"] for entry in self.summary(run)["arms"]}
        self.assertEqual(ended, {"joint": "finished"})
        self.assertIn("ewc/seed-0  not begun", done.stderr)

    def test_memory_that_does_not_suffice_is_said_without_a_trace(self):
        done = self.mneme("run", "demo", *QUICK, "-s", "learner.net.hidden=[99999999999]", status=70)
        self.assertIn("the memory does not suffice", done.stderr)
        self.assertNotIn("frame #", done.stderr)

    def test_branch_equals_the_arm_of_one_experiment(self):
        self.mneme("run", "demo", *QUICK)
        run, = self.run_folders()
        before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
        self.mneme("branch", run, "--arm", "naive", "-s", 'strategy={ kind = "ewc", samples = 1000 }', "--name", "late",
                   "--out", "branches")
        branch, = self.run_folders("branches")
        self.assertEqual(self.hashes(branch)["late", 0], self.hashes(run)["ewc", 0])
        self.assertEqual({p: p.read_bytes() for p in run.rglob("*") if p.is_file()}, before)
        self.refuses(2, "branch", run, says=["naive, ewc", "--arm"])

    def test_stored_learner_on_other_data(self):
        self.mneme("run", "demo", *QUICK, "--arm", "ewc")
        run, = self.run_folders()
        figures = json.loads(self.mneme("eval", run, "--data", "mnist", "--json").stdout)["figures"]
        self.assertEqual(figures["accuracy"], self.summary(run)["arms"][0]["matrix"][-1][1])
        names = ",".join(f"p{i}" for i in range(784))
        (self.folder / "rows.csv").write_text(names + "\n" + ",".join(["0.5"] * 784) + "\n")
        self.mneme("predict", run, "rows.csv", "-o", "out.csv")
        head, row = (self.folder / "out.csv").read_text().splitlines()
        self.assertEqual(head, "file,class,probability")
        file, label, probability = row.split(",")
        self.assertEqual(file, "rows.csv:1")
        self.assertIn(int(label), range(10))
        self.assertTrue(0.1 <= float(probability) <= 1)
        self.refuses(3, "predict", run, "none.png", says="none.png")

    def test_a_finished_run_forgets_on_request(self):
        self.mneme("run", "unlearning-mnist", "--sample", "--arm", "salun", "--seed", "0", "-s", "stream.with=[]")
        before = self.run_folders()[-1]
        self.mneme("forget", before, "--class", "3", "--method", '{ kind = "random-labels", steps = 60 }')
        after = self.run_folders()[-1]
        arm = json.loads((after / "summary.json").read_text())["arms"][0]
        entry = arm["unlearning"][0]
        self.assertEqual(entry["request"], "class 3")
        self.assertLess(entry["forget_accuracy"], 0.2)
        self.assertEqual(arm["tasks"][-1], "class 3")
        self.assertIn("class 3", self.mneme("compare", after).stdout)
        for words, says in [(["--class", "3"], [2, ["class 3", "forgotten already"]]),
                            (["--class", "10"], [2, ["class 10", "never learnt"]]),
                            ([word for c in "012456789" for word in ("--class", c)], [2, ["all that is known"]]),
                            (["--task", "nope"], [2, ["'nope'", "was not learnt"]]),
                            (["--samples", "none.txt"], [3, ["none.txt", "cannot be read"]]),
                            ([], [2, ["--class"]])]:
            with self.subTest(words):
                folders = self.run_folders()
                self.refuses(says[0], "forget", after, *words, says=says[1])
                self.assertEqual(folders, self.run_folders(), "a refused request left a run")

    def test_a_run_that_answers_by_more_than_its_net_is_not_asked_as_a_net(self):
        """Wrong: with -s strategy=naive a request goes to another model than the one that was trained, or trains the
        whole stream anew before it forgets."""
        self.mneme("run", "ewc", "--sample", "--arm", "naive", "--seed", "0", "-s", "train.epochs=1", "-s",
                   "stream={ kind = 'split', dataset = 'mnist', tasks = 2 }", "-s", "arm.slda.strategy=slda", "-s",
                   "arm.joint.strategy=joint", "-s", "arm.cumulative.strategy=cumulative", "--arm", "slda", "--arm",
                   "joint", "--arm", "cumulative")
        run = self.run_folders()[-1]
        for arm, says in (("slda", "more than its net"), ("joint", "stream of its own")):
            folders = self.run_folders()
            self.refuses(2, "forget", run, "--arm", arm, "--class", 3, "-s", "strategy=naive", says=says)
            self.assertEqual(folders, self.run_folders())
        self.refuses(2, "branch", run, "--arm", "joint", "--name", "x", "-s", "strategy=naive", says="stream of its own")
        self.mneme("branch", f"{run}@event-0", "--arm", "cumulative", "--name", "x", "-s", "strategy=naive")

    def test_numbers_of_samples_that_are_others_in_each_seed_are_refused(self):
        (self.folder / "ids.txt").write_text("0\n1\n2\n")
        for shuffle, status in [("true", 2), ("false", 0)]:
            self.mneme("run", "ewc", "--sample", "--seeds", "0..1", "--arm", "naive", "-s", "train.epochs=1", "-s",
                       f"stream={{ kind = 'split', dataset = 'mnist', tasks = 2, shuffle = {shuffle} }}")
            run = self.run_folders()[-1]
            words = ["forget", run, "--samples", "ids.txt", "--method", "{ kind = 'gradient-ascent', ceiling = 1e-9 }"]
            if status == 0:
                self.mneme(*words)
            else:
                self.refuses(status, *words, says="ask one seed at a time")
                self.mneme(*words, "--seed", "1")

    def test_report_and_compare_from_the_folder_alone(self):
        self.mneme("run", "demo", *QUICK)
        run, = self.run_folders()
        page = (run / "report.html").read_bytes()
        (run / "report.html").unlink()
        self.assertEqual(self.mneme("report", run).stdout.strip(), str(run / "report.html"))
        self.assertEqual((run / "report.html").read_bytes(), page)
        self.assertIn("ewc", self.mneme("compare", run).stdout)
        shown = self.mneme("show", run).stdout
        for text in ("finished", "new at the start of every event", "all training data", "task boundaries", "after mnist"):
            self.assertIn(text, shown)
        self.assertEqual(json.loads(self.mneme("show", run, "--json").stdout), self.summary(run))


if __name__ == "__main__":
    unittest.main()

"""What the command says about itself: help, lists, explanations, schema, the committed options page."""
import json
import os
import pathlib
import subprocess
import sys
import unittest

from _mneme import CommandTest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
VERBS = ["run", "resume", "branch", "runs", "show", "report", "compare", "plot", "eval", "predict", "list", "explain",
         "data", "config", "doctor"]


class Pages(CommandTest):
    def test_every_verb_has_help(self):
        overview = self.mneme("--help").stdout
        for verb in VERBS:
            self.assertIn(f"\n  {verb} ", overview)
            self.assertIn("Usage: mneme " + verb, self.mneme(verb, "--help").stdout)
        self.assertNotIn("\n  unit ", overview, "hidden verbs are not listed")

    def test_without_a_verb_help_is_talk(self):
        done = self.mneme(status=2)
        self.assertEqual(done.stdout, "")
        self.assertIn("Usage", done.stderr)

    def test_run_help_names_the_settings_of_the_tables(self):
        page = self.mneme("run", "--help").stdout
        for key in ("train.epochs", "train.learning_rate", "evaluate.every_steps", "checkpoint_seconds"):
            self.assertIn(key, page)

    def test_version(self):
        self.assertRegex(self.mneme("--version").stdout, r"^mneme \d+\.\d+\.\d+\n$")

    def test_all_that_is_listed_is_explained(self):
        parts = json.loads(self.mneme("list", "--json").stdout)
        for kind in ("strategies", "learners", "nets", "streams", "datasets", "experiments"):
            self.assertTrue(parts[kind], kind)
        for kind, rows in parts.items():
            for row in rows:
                self.assertTrue(row["summary"], row)
                self.assertIn(row["name"] + ": ", self.mneme("explain", row["name"]).stdout)
        page = self.mneme("explain", "ewc").stdout
        for text in ("lambda/2", "= 1000.0", "0 or more", "arXiv:1612.00796"):
            self.assertIn(text, page)
        self.refuses(2, "explain", "ewk", says="'ewc'")

    def test_strategies_are_listed_with_what_decides_between_them(self):
        rows = {row["name"]: row for row in json.loads(self.mneme("list", "strategies", "--json").stdout)["strategies"]}
        self.assertEqual(rows["xdg"]["scenarios"], ["task"])
        self.assertTrue(rows["xdg"]["needs_task_at_test"])
        self.assertEqual(rows["gem"]["scenarios"], ["task", "domain", "class"])
        self.assertTrue(rows["gem"]["needs_task_at_training"])
        self.assertEqual(rows["ewc"]["fails_in"], ["class"])
        self.assertEqual(rows["er"]["memory"], "M (d + 24)")
        self.assertEqual(rows["er"]["family"], "replay")
        table = self.mneme("list", "strategies").stdout
        self.assertRegex(table, r"xdg +architecture +task +task +- +yes +yes +T U\n")
        page = self.mneme("explain", "gem").stdout
        for text in ("runs in: task, domain, class", "the task's id at training", "M (d + 24) bytes"):
            self.assertIn(text, page)

    def test_a_strategy_that_needs_the_task_at_test_is_refused_where_it_is_hidden(self):
        for row in json.loads(self.mneme("list", "strategies", "--json").stdout)["strategies"]:
            if row["needs_task_at_test"]:
                self.refuses(2, "run", "der", "--sample", "--arm", "naive", "-s", f'arm.naive.strategy="{row["name"]}"',
                             says="needs the task id at test")

    def test_every_catalogued_experiment_is_right(self):
        for row in json.loads(self.mneme("list", "experiments", "--json").stdout)["experiments"]:
            self.assertIn("ok", self.mneme("config", "check", row["name"]).stdout)

    def test_origin_of_values(self):
        lines = self.mneme("config", "show", "demo", "--origin", "-s", "train.epochs=7").stdout.splitlines()
        origin = {line.split()[0]: line.split()[1] for line in lines}
        self.assertEqual(origin["train.epochs"], "-s")
        self.assertEqual(origin["train.batch"], "demo")
        self.assertEqual(origin["train.clip_norm"], "default")

    def test_machine_readable_pages_parse(self):
        self.assertEqual(json.loads(self.mneme("config", "schema").stdout)["title"], "Mneme experiment")
        self.assertIn("torch", json.loads(self.mneme("doctor", "--json").stdout))
        self.assertTrue(json.loads(self.mneme("data", "list", "--json").stdout))
        self.assertEqual(json.loads(self.mneme("config", "show", "demo", "--json").stdout)["name"], "demo")

    def test_paths_in_a_file_are_taken_from_its_folder(self):
        own = self.folder / "own"
        own.mkdir()
        (own / "a.csv").write_text("x,label\n0,a\n1,b\n")
        (own / "e.toml").write_text('stream = { kind = "domain", datasets = ["mine"] }\nlearner = "classifier"\n'
                                    '[datasets.mine]\nformat = "csv"\ntrain = "a.csv"\ntest = "a.csv"\n')
        shown = json.loads(self.mneme("config", "show", "own/e.toml", "--json").stdout)
        self.assertEqual(shown["datasets"]["mine"]["train"], str(own / "a.csv"))
        self.mneme("run", "own/e.toml")

    def test_every_deliberate_fault_still_has_its_line(self):
        """scripts/mutation_check.py, which takes an hour, would find out last of all."""
        done = subprocess.run([sys.executable, SOURCE / "scripts" / "mutation_check.py", "--list"], capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 0, "".join(line for line in done.stdout.splitlines(True) if "MISSING" in line))

    def test_options_page_is_current(self):
        page = SOURCE / "docs" / "options.md"
        if os.environ.get("MNEME_UPDATE"):
            page.write_text(self.mneme("docs", "options").stdout)
        self.assertEqual(page.read_text(), self.mneme("docs", "options").stdout,
                         "make it again: mneme docs options > docs/options.md")


if __name__ == "__main__":
    unittest.main()

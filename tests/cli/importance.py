#!/usr/bin/env python3
"""`mneme importance`: the Fisher information of a stored learner. If these fail, it is not the one that a strategy would
have used, is of other data than was asked for, or a refusal helps nobody."""
import json
import struct
import unittest

from _mneme import CommandTest


class Importance(CommandTest):
    def of(self, run, *more):
        return json.loads(self.mneme("importance", run, "--json", *more).stdout)

    def test_it_is_what_ewc_uses(self):
        # Labels of the data and all samples: nothing is drawn.
        self.mneme("run", "demo", "--sample", "--arm", "ewc", "-s", "train.epochs=1", "-s",
                   "arm.ewc.strategy.labels=empirical", "-s", "arm.ewc.strategy.samples=0")
        run, = self.run_folders()
        lines = [json.loads(line) for line in (run / "arms/ewc/seed-0/metrics.jsonl").read_text().splitlines()]
        logged = next(line for line in lines if line["kind"] == "importance" and line["event"] == 0)
        tasks = json.loads((run / "summary.json").read_text())["arms"][0]["tasks"]
        ask = ["--checkpoint", "event-0", "--data", tasks[0], "--labels", "empirical"]
        own = self.of(run, *ask, "-o", "f.safetensors")
        for key in ("trace", "zero_share", "quantiles", "samples"):
            self.assertEqual(own[key], logged[key], key)
        self.assertAlmostEqual(sum(part["trace"] for part in own["segments"].values()) / own["trace"], 1, places=6)
        raw = (self.folder / "f.safetensors").read_bytes()
        header = json.loads(raw[8:8 + struct.unpack("<Q", raw[:8])[0]])
        self.assertEqual(set(header) - {"__metadata__"}, set(own["segments"]))
        self.assertEqual(header["__metadata__"]["labels"], "empirical")
        self.assertNotEqual(self.of(run, *ask[:2], "--data", tasks[1], "--labels", "empirical")["trace"], own["trace"])
        self.assertEqual(self.of(run, *ask, "--samples", "50")["samples"], 50)
        self.assertIn("share of the trace", self.mneme("importance", run, *ask).stdout)

        self.refuses(2, "importance", run, says=["--data", "--own"])
        self.refuses(2, "importance", run, "--data", tasks[0], "--own", "5", says=["--data", "--own"])
        self.refuses(2, "importance", run, "--own", "5", says="draws nothing")
        self.refuses(2, "importance", run, "--data", tasks[0], "--labels", "x", says=["labels", "empirical"])

    def test_own_samples_of_a_model_that_draws(self):
        self.mneme("run", "selective-amnesia-smoke", "--arm", "zero", "-s", "train.steps=5", "-s",
                   "strategy.steps=2", "-s", "strategy.fisher_samples=20", "-s", "judge.samples=5")
        run, = self.run_folders()
        first = self.of(run, "--own", "40")
        self.assertEqual(first["samples"], 40)
        self.assertGreater(first["trace"], 0)
        self.assertEqual(first, self.of(run, "--own", "40"))
        self.assertNotEqual(first["trace"], self.of(run, "--own", "40", "--noise", "1")["trace"])
        self.refuses(2, "importance", run, "--own", "0", says="--own 0")


if __name__ == "__main__":
    unittest.main()

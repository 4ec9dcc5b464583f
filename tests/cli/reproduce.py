"""Published tables: the list, the page, and what is refused. Their runs take hours and are no test."""
import json
import pathlib
import unittest

from _mneme import CommandTest


class Reproduce(CommandTest):
    def test_list_names_every_cell(self):
        cells = json.loads(self.mneme("reproduce", "--list", "--json").stdout)
        self.assertGreater(len(cells), 30)
        for cell in cells:
            self.assertEqual(set(cell), {"name", "published", "verified", "verdict", "minutes"})
            self.assertEqual(cell["verdict"], "not tried", "this folder has no results")
        self.assertIn("split-mnist-task/si", [cell["name"] for cell in cells])
        self.assertEqual(self.mneme("reproduce").stdout, self.mneme("reproduce", "--list").stdout)

    def test_page_judges_stored_values(self):
        stored = json.loads((pathlib.Path(__file__).parents[2] / "docs" / "reproducibility.json").read_text())["split-mnist-task/si"]
        values = stored | {"values": {"0": 99.1, "1": 99.2, "2": 99.1}}
        (self.folder / "r.json").write_text(json.dumps({"split-mnist-task/si": values}))
        page = self.mneme("reproduce", "--page", "--results", "r.json").stdout
        table = page.split("## split-mnist-task\n")[1]
        row = next(line for line in table.splitlines() if line.startswith("| si "))
        self.assertTrue(row.endswith("| reproduced |"), row)
        self.assertIn("1 of 1 cells reproduced that were tried", page)

    def test_what_it_does_not_know_is_named(self):
        self.refuses(2, "reproduce", "split-mnist-tsk", says=["split-mnist-task"])
        self.refuses(2, "reproduce", "split-mnist-task", "--seeds", "0", says="--seeds 0")
        self.refuses(2, "reproduce", "split-mnist-task", "--run", "somewhere", says="one or the other")
        self.refuses(2, "reproduce", "--run", "somewhere", "--seeds", "3", says="--seeds")
        (self.folder / "r.json").write_text("{ broken")
        self.refuses(3, "reproduce", "--list", "--results", "r.json", says="r.json")


if __name__ == "__main__":
    unittest.main()

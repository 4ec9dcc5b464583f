"""What the tests of the command share: the real binary, a folder that goes with the test, no data but the sample."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

MNEME = os.environ.get("MNEME", "build/release/mneme")
QUICK = ["-s", "learner.net=mlp", "-s", "train.epochs=1", "-s", "evaluate.every_steps=0"]


class CommandTest(unittest.TestCase):
    """Runs `mneme` in a folder of its own, where no full data set can be found."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mneme-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.env = dict(os.environ, HOME=str(self.folder), XDG_CACHE_HOME=str(self.folder / "cache"), MNEME_DATA="")

    def mneme(self, *words, status=0, **keywords):
        """The finished process; its exit status has to be `status`."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | keywords
        done = subprocess.run([MNEME, *map(str, words)], cwd=self.folder, env=self.env, text=True, timeout=120,
                              **streams)
        self.assertEqual(done.returncode, status, f"mneme {words}\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *words):
        """A process that is still running."""
        return subprocess.Popen([MNEME, *map(str, words)], cwd=self.folder, env=self.env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def run_folders(self, out="runs"):
        return sorted((self.folder / out).glob("*/*"))

    def refuses(self, status, *words, says=(), **keywords):
        """Fails with this status and one sentence on stderr that holds all of `says`; stdout stays empty."""
        done = self.mneme(*words, status=status, **keywords)
        self.assertEqual(done.stdout, "")
        for text in [says] if isinstance(says, str) else says:
            self.assertIn(text, done.stderr)
        return done

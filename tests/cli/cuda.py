"""The CUDA part of libtorch is loaded when a GPU is asked for: seen without a GPU by a stand-in for that library."""
import json
import os
import pathlib
import unittest

from _mneme import CommandTest

FAKES = os.environ.get("MNEME_FAKE_CUDA", "build/release/tests/fake_cuda")


class Cuda(CommandTest):
    def setUp(self):
        super().setUp()
        if not (pathlib.Path(FAKES) / "libtorch_cuda.so").exists():
            self.skipTest("no stand-in for libtorch_cuda.so was built")
        self.torch = self.folder / "torch"
        self.torch.mkdir()
        for library in pathlib.Path(json.loads(self.mneme("doctor", "--json").stdout)["torch_folder"]).glob("*.so*"):
            if library.name not in ("libtorch_cuda.so", "libcuda.so.1"):
                (self.torch / library.name).symlink_to(library)
        self.env["LD_LIBRARY_PATH"] = str(self.torch)

    def place(self, name):
        (self.torch / name).symlink_to(pathlib.Path(FAKES).resolve() / name)

    def found(self):
        return json.loads(self.mneme("doctor", "--json").stdout)["cuda"]

    def test_it_is_found_where_a_driver_and_the_library_are(self):
        self.place("libcuda.so.1")
        self.place("libtorch_cuda.so")
        self.assertEqual(self.found(), "yes", "torch was asked for CUDA before its library was there")

    def test_what_is_missing_is_said(self):
        self.place("libtorch_cuda.so")
        self.assertIn("no NVIDIA driver", self.found())
        self.place("libcuda.so.1")
        (self.torch / "libtorch_cuda.so").unlink()
        self.assertIn("built for the processor alone", self.found())


if __name__ == "__main__":
    unittest.main()

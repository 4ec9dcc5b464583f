// A folder of pictures as a data set: <dir>/<class>/<file>.{png,jpg,jpeg,bmp}.
#pragma once

#include <cstdint>
#include <filesystem>

#include "mneme/io/labelled.hpp"

namespace mneme {

struct ImageFolderOptions {
  int channels = 0;         // 1, 3, or 0 for what the files have (all must agree)
  std::int64_t height = 0;  // 0: all files must have one size; else every picture is resized
  std::int64_t width = 0;
};

/// Classes are the sub-folders that hold pictures, sorted by name; within a class files are sorted by name.
/// `sha256` is over "<class>/<file>\n" and the bytes of each file, in that order. DataError names the file at fault.
LabelledData read_image_folder(std::filesystem::path const& dir, ImageFolderOptions const& options = {});

}  // namespace mneme

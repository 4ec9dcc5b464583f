// A folder of pictures as a data set: <dir>/<class>/<file>.{png,jpg,jpeg,bmp}, or without classes <dir>/<file>.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "mneme/io/image_file.hpp"
#include "mneme/io/labelled.hpp"

namespace mneme {

struct ImageFolderOptions {
  int channels = 0;         // 1, 3, or 0 for what the files have (all must agree)
  std::int64_t height = 0;  // 0: all files must have one size; else every picture is resized
  std::int64_t width = 0;
  std::function<Image(Image const&)> bring = {};  // what is done to each picture before it is compared with the others
};

/// Classes are the sub-folders that hold pictures, sorted by name; within a class files are sorted by name. Where none
/// does, the folder's own pictures are samples without a label, -1.
/// `sha256` is over "<class>/<file>\n" and the bytes of each file, in that order. DataError names the file at fault.
LabelledData read_image_folder(std::filesystem::path const& dir, ImageFolderOptions const& options = {});

}  // namespace mneme

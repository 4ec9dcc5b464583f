// The cropped digits of SVHN (Netzer et al. 2011, format 2) and sets that are stored alike: a MAT-file of level 5 with
// pictures X, bytes [H, W, C, N], and labels y, [N, 1] with 10 for the digit 0.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "mneme/io/labelled.hpp"

namespace mneme {

/// Pictures [N, C, H, W], labels 0..9 by digit. `name` is for messages; `sha256` is over the file. DataError on what
/// parse_mat refuses, a missing array, one of another form, or a label outside 1..10 (its picture is named).
LabelledData parse_svhn(std::span<std::uint8_t const> bytes, std::string const& name);

/// The file may be gzip.
LabelledData read_svhn(std::filesystem::path const& path);

}  // namespace mneme

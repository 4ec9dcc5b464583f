// A safetensors file as a data set:
//   x        [N, ...]  training samples. U8: bytes of pictures, read as x / 255; F64, F32, F16, BF16: numbers; I64,
//                      I32, [N, L]: token ids, 0 where a text has ended
//   y        [N]       labels from 0, of any integer dtype; -1: none
//   task     [N]       optional: the number of each sample's task
//   test.x, test.y, test.task   optional: the test part
// The metadata may name the classes under "class_names", a JSON list of texts; without it they are "0", "1", ... up to
// the greatest label of both parts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mneme/io/labelled.hpp"

namespace mneme {

/// The part "train" or "test"; with `task` those of its rows alone, whatever their order. Pictures [N, H, W] become
/// [N, 1, H, W]. `sha256` is over the file. DataError on a damaged file, a missing tensor, a dtype that does not serve,
/// counts that differ, a label below -1 or token below 0 or a number that is not finite (its row is named), or a task
/// without rows.
LabelledData parse_tensor_data(std::vector<std::uint8_t> bytes, std::string const& name, std::string const& split,
                               std::optional<std::int64_t> task = std::nullopt);

LabelledData read_tensor_data(std::filesystem::path const& path, std::string const& split,
                              std::optional<std::int64_t> task = std::nullopt);

/// Whether the file has a part "test".
bool has_test_part(std::filesystem::path const& path);

}  // namespace mneme

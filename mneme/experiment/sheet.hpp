// Sheets: images in rows and columns, as one picture.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace mneme {

struct Sheet {
  std::string kind, what;  // what: the caption's beginning
  std::string of = {};     // the one class or domain that is shown; empty: all
  std::int64_t columns = 1;
  at::Tensor images;  // [rows * columns, C, H, W] in [0, 1], C 1 or 3
};

/// Whether there is a picture of it: [N, C, H, W], C 1 or 3.
[[nodiscard]] bool is_picture(at::Tensor const& images);

/// A PNG file of images [N, C, H, W] in [0, 1], row by row, two gray pixels between them; a last row that is not full
/// ends in gray. IoError where it cannot be written.
void write_sheet(std::filesystem::path const& file, at::Tensor const& images, std::int64_t columns);

/// A PNG file of each image, <folder>/00000.png and so on; the folder is made. IoError likewise.
void write_each(std::filesystem::path const& folder, at::Tensor const& images);

/// Two sets of as many images one above the other, in blocks of so many columns: [a's block, b's block, ...]. A last
/// block that is not full is filled with gray, unless it is the only one.
[[nodiscard]] at::Tensor in_pairs(at::Tensor const& above, at::Tensor const& below, std::int64_t columns);

}  // namespace mneme

// Sheets of a model of domains (learners/recalls.hpp), of the domains that it has met.
//
//   classes          of each domain: a row for each class that was met in it, the same ten codes z for all
//   between-images   twelve equal steps from the codes of one test image to those of another, the images at both ends;
//                    a row each for z alone, u alone, a alone and all three. Two images of each domain, then one of
//                    each domain and one of the next
//   coordinates      of each domain, of a test image: a row for each coordinate of z (the first 256), from -3 to 3, the
//                    others and u and a as they are
//   translation      of each domain: test images of its classes, and below them what their z and u give with the code
//                    of every domain in turn; with its own that is their reconstruction
//
//   epochs           of each domain, after an epoch: a test image of each class, below it its reconstruction (of models
//                    that encode), below that the class drawn with a code of the prior
//
// Codes of images are the most probable ones. The other three are of models that encode.
#pragma once

#include <vector>

#include "mneme/experiment/sheet.hpp"
#include "mneme/learners/recalls.hpp"
#include "mneme/stream/stream.hpp"

namespace mneme {

/// `tested`: tasks of the run, their ids are the domains; `device` the model's.
[[nodiscard]] std::vector<Sheet> domain_sheets(Recalls const& model, std::vector<Task> const& tested,
                                               at::Generator& noise, at::Device device);
/// Those of the kind `epochs` alone, which domain_sheets leaves out.
[[nodiscard]] std::vector<Sheet> epoch_sheets(Recalls const& model, std::vector<Task> const& tested,
                                              at::Generator& noise, at::Device device);

/// The four rows of `between-images` from one image [1, C, H, W] to another; `of` is empty.
[[nodiscard]] Sheet walk_sheet(Recalls const& model, at::Tensor const& from, at::Tensor const& to);

/// From `from` to `to`, one point each, in n steps; which of z, u and a move, the others stay as in `from`.
struct Moving {
  bool z, u, a;
};
[[nodiscard]] Codes between(Codes const& from, Codes const& to, std::int64_t n, Moving moving);

}  // namespace mneme

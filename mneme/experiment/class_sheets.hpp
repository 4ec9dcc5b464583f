// Sheets: what can be seen of a conditional model beside one grid of samples.
//
//   traversal       12 x 12, bilinear between four encoded test images and their classes, one in each corner
//   manifold        15 x 15 of one class over the first two numbers of the code at the normal quantiles 0.01 to 0.99,
//                   the others 0
//   interpolation   a row for each class c, from c on the left to c + 1 on the right by (1 - t) e_c + t e_(c+1), code 0
#pragma once

#include <vector>

#include "mneme/experiment/sheet.hpp"
#include "mneme/learners/conditional.hpp"
#include "mneme/stream/stream.hpp"

namespace mneme {

/// A manifold for each of `shown` classes; the traversal where four classes have test images. `device`: the model's.
[[nodiscard]] std::vector<Sheet> class_sheets(Conditional const& model, std::vector<Task> const& tested,
                                              std::vector<std::int64_t> const& shown, at::Device device);

/// The condition [n, C] between the corners' rows [4, D] at weights u, v int [n]: bilinear, exact at the corners.
[[nodiscard]] at::Tensor between_corners(at::Tensor const& corners, at::Tensor const& u, at::Tensor const& v);

}  // namespace mneme

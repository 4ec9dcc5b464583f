// Columns: what is put beside what was learnt, task after task (progressive networks).
#pragma once

#include <ATen/core/Generator.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mneme/nets/arena.hpp"

namespace mneme {

class Columns {
 public:
  virtual ~Columns() = default;
  /// Puts a column behind the others: `append` makes its segments.
  virtual void add_column(std::function<void(std::string, Shape)> const& append, at::Generator& generator) = 0;
  [[nodiscard]] virtual std::int64_t columns() = 0;
  /// The column whose output is given; below 0: the newest.
  virtual void select(std::int64_t column) = 0;
  /// Segments of a column, what it reads others through included.
  [[nodiscard]] virtual std::vector<int> segments(std::int64_t column) const = 0;
};

}  // namespace mneme

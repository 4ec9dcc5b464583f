// Exemplars: stored samples by class, the most representative of each first, so that fewer are its first ones.
//
//   exemplars.set(label, rows.select(herding(features, 20)));
//   exemplars.shrink(10);
//   auto rows = exemplars.all();
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "mneme/memory/buffer.hpp"

namespace mneme {

class Exemplars {
 public:
  /// Replaces what is stored of a class. `rows` are all of it, in order of priority; without rows the class goes.
  void set(std::int64_t label, Rows rows);
  /// Keeps the first `count` of every class.
  void shrink(std::int64_t count);

  /// Everything, classes in rising order.
  [[nodiscard]] Rows all() const;
  [[nodiscard]] Rows of_class(std::int64_t label) const;
  [[nodiscard]] std::set<std::int64_t> classes() const;
  [[nodiscard]] std::int64_t size() const;
  [[nodiscard]] bool empty() const { return by_class_.empty(); }

  void state(Archive& archive);

 private:
  std::map<std::int64_t, Rows> by_class_;
};

/// One behind the other; what is stored beside the samples (`extras`) is left out.
[[nodiscard]] Rows joined(std::vector<Rows> const& parts);

}  // namespace mneme

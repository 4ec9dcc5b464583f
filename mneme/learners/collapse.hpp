// Collapses: the ability of a learner whose training can fail while every value is finite, such as a generator that
// draws one image whatever it is asked for. The trainer stops it.
#pragma once

#include <cstdint>
#include <string>

namespace mneme {

struct CollapseRule {
  std::string term;        // of Learner::loss_parts; where a step has no such term it says nothing
  double below = 0;        // it has failed where the term was below this
  std::int64_t lines = 0;  // on so many logged steps in a row; 0: never
  std::string meaning;     // what that is, and what to do
};

class Collapses {
 public:
  virtual ~Collapses() = default;
  [[nodiscard]] virtual CollapseRule collapse() const = 0;
};

}  // namespace mneme

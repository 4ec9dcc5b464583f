// NoOptions: the options of a part that has none; any key is refused.
#pragma once

#include "mneme/core/options.hpp"

namespace mneme {

struct NoOptions {
  void describe(OptionVisitor&) {}
};

}  // namespace mneme

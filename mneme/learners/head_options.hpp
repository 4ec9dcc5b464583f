// The option of learners that give classes: which outputs take part.
#pragma once

#include "mneme/core/options.hpp"
#include "mneme/learners/learner.hpp"

namespace mneme {

struct HeadOptions {
  std::string head = "auto";
  void describe(OptionVisitor& v) {
    v.field("head", head,
            {.help = "outputs in the softmax. shared: all; growing: of the classes seen so far; per-task: of the "
                     "sample's task; auto: per-task where the task is known at test, else shared",
             .choices = {"auto", "shared", "growing", "per-task"}});
  }
  [[nodiscard]] Head kind() const {
    return head == "shared"     ? Head::kShared
           : head == "growing"  ? Head::kGrowing
           : head == "per-task" ? Head::kPerTask
                                : Head::kAuto;
  }
};

}  // namespace mneme

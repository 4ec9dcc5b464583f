// Drawing: what a stored generative learner draws when it is asked for a domain and a class.
//
//   model of domains (lgaa)        any domain and class that it has met
//   conditional model (cvae)       any class
//   other models that draw (vae)   neither: samples of the prior
//
// Where the stream shows the task at test, or has one task only, a domain may be named to models of the last two kinds
// too: the strategies are told of it, as in a test.
#pragma once

#include <optional>
#include <string>

#include "mneme/experiment/run.hpp"

namespace mneme {

struct DrawRequest {
  std::string domain = {};    // name of a task of the run, or its number; empty: every one that was met, in turn
  std::string of_class = {};  // name of a class, or its number; empty: every one that was met, in turn
  std::int64_t count = 64;
  std::uint64_t seed = 0;  // of the codes
};

struct Drawing {
  at::Tensor images;  // [count, C, H, W] in [0, 1]
  std::string what;   // "class 3 (Dress) of fashion-mnist"
  at::Tensor labels;  // int64 [count], on the CPU; undefined where no class can be asked for
};

/// ConfigError for a learner that draws nothing or not by what is named, for a domain that is none of the run's or was
/// not met before the checkpoint, and for a class that was not met in it; the message names those that were.
[[nodiscard]] Drawing draw(LoadedArm& arm, DrawRequest const& request);

}  // namespace mneme

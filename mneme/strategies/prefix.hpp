// How a strategy treats the first event's training: it decides which arms can share it, and what a run may branch into.
#pragma once

namespace mneme {

/// What a strategy does to the part of a run before the first `end_event`.
enum class Prefix {
  kPlain,    // nothing: EWC, LwF, MAS
  kWatches,  // records, but changes nothing: SI, ER, DER, GEM
  kChanges,  // trains differently from the start: PackNet, HAT, joint
};

}  // namespace mneme

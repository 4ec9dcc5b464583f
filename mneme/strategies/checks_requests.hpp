// ChecksRequests: the ability of a method that cannot meet every request to forget.
#pragma once

#include "mneme/stream/seen_data.hpp"

namespace mneme {

/// A request, what is shown when it is met, and what is known before it.
struct Asked {
  Request const& request;
  Visibility const& visibility;
  SeenData const& seen;
};

class ChecksRequests {
 public:
  virtual ~ChecksRequests() = default;
  /// ConfigError for a request of a kind that it has no way to meet. Asked before a stream with such a request begins,
  /// and again before the event does.
  virtual void check(Asked const& asked) const = 0;
};

}  // namespace mneme

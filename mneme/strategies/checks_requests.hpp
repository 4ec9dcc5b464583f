// ChecksRequests: the ability of a method that cannot meet every request to forget.
#pragma once

#include "mneme/stream/stream.hpp"

namespace mneme {

class ChecksRequests {
 public:
  virtual ~ChecksRequests() = default;
  /// ConfigError for a request of a kind that it has no way to meet. Asked before a stream with such a request begins,
  /// and again before the event does.
  virtual void check(Request const& request) const = 0;
};

}  // namespace mneme

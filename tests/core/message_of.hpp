// For tests of error messages.
#pragma once

#include <gtest/gtest.h>

#include <string>

namespace mneme {

/// The message of the `Expected` that `action` throws; a test failure and "" when it throws none.
template <class Expected, class Action>
std::string message_of(Action const& action) {
  try {
    action();
  } catch (Expected const& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

}  // namespace mneme

// The result of a board in one sentence, made from its numbers. Plain text, to be escaped by the caller.
#pragma once

#include <string>

#include "mneme/report/board.hpp"

namespace mneme {

/// "After learning MNIST, naive keeps 34.1 % on Fashion-MNIST (of 85.4 %) and ewc keeps 64.0 %: mean of 3 seeds."
/// Arms that have not got there yet are left out; with more than four arms the best and the worst stand for all.
std::string headline(Board const& board);

}  // namespace mneme

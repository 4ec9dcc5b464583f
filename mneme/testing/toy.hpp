// testing: what the author of a strategy, net or learner checks it with: small made-up data (this file), a gradient
// check (gradient_check.hpp) and a conformance check for strategies (conformance.hpp). Neither prints nor asserts: they
// return what they found.
//
// Toy data: images of 6 x 6 gray pixels in 4 classes, made from names and seeds alone, so small that a whole run over
// two tasks takes milliseconds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mneme/core/json.hpp"
#include "mneme/learners/learner.hpp"
#include "mneme/stream/stream.hpp"

namespace mneme::toy {

inline constexpr std::int64_t kSide = 6;
inline constexpr std::int64_t kClasses = 4;
inline constexpr std::int64_t kWords = 12;  // of a text's vocabulary, padding included
inline constexpr std::int64_t kLength = 7;  // of a text

/// uint8 [n, 1, 6, 6]. Every class of every `name` has a random pattern; samples are noisy copies, classes in turn.
[[nodiscard]] Dataset images(std::string const& name, std::int64_t n, std::uint64_t seed = 0);
/// Token ids int64 [n, 7] of 1 to 11, padded with 0 to a random length; every class has words that it likes.
[[nodiscard]] Dataset texts(std::string const& name, std::int64_t n, std::uint64_t seed = 0);
[[nodiscard]] Task task(std::string const& name, std::int64_t id, std::int64_t train = 40, std::int64_t test = 20);
/// Domain-incremental: tasks "toy-0", "toy-1", …
[[nodiscard]] Stream stream(std::int64_t tasks, std::int64_t train = 40);
/// The same tasks of texts.
[[nodiscard]] Stream text_stream(std::int64_t tasks, std::int64_t train = 40);
/// The four classes of one set in two tasks of two, with their own labels: class-incremental, or task-incremental where
/// the task is shown at test.
[[nodiscard]] Stream split_stream(bool task_at_test, std::int64_t train = 40);
/// A learner of the registry for these images, or for these texts where its net reads tokens, initialised from the
/// seed. A classifier gets an MLP, a net the options of its row's `toy`, and each other learner 8 hidden units and 2
/// dimensions of code, where `options` do not say otherwise.
[[nodiscard]] std::unique_ptr<Learner> learner(std::string const& kind = "classifier", Json options = Json::object(),
                                               std::uint64_t seed = 0);

}  // namespace mneme::toy

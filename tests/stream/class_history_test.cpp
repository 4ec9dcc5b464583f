// Which classes are known: if these fail, a judge counts a class as forgotten that was taught again, or as kept that a
// whole task took with it.
#include "mneme/stream/class_history.hpp"

#include <gtest/gtest.h>

#include "mneme/testing/toy.hpp"

namespace mneme {
namespace {

using Classes = std::set<std::int64_t>;

Request of_classes(std::vector<std::int64_t> classes) {
  return {.name = "classes", .classes = std::move(classes), .samples = {}, .tasks = {}};
}
Request of_task(std::string const& name) { return {.name = "task", .classes = {}, .samples = {}, .tasks = {name}}; }

TEST(ClassHistory, ATaskTakesTheClassesThatItHadAlone) {
  auto split = toy::split_stream(false);
  split.events.emplace_back(of_task("toy-0"));
  EXPECT_EQ(class_history(split).forgotten, (Classes{0, 1}));
  EXPECT_EQ(class_history(split).known, (Classes{2, 3}));
  auto domains = toy::stream(2);
  domains.events.emplace_back(of_task("toy-0"));
  EXPECT_EQ(class_history(domains).forgotten, Classes{}) << "the other domain has them too";
}

TEST(ClassHistory, WhatIsLearntAgainIsNotForgotten) {
  auto stream = toy::stream(2);
  stream.events.insert(stream.events.begin() + 1, of_classes({3}));
  EXPECT_EQ(class_history(stream, 0).forgotten, Classes{});
  EXPECT_EQ(class_history(stream, 1).forgotten, (Classes{3}));
  EXPECT_EQ(class_history(stream, 1).learnt, (Classes{0, 1, 2, 3}));
  EXPECT_EQ(class_history(stream).forgotten, Classes{});
}

TEST(ClassHistory, SingleSamplesTakeNoClass) {
  auto stream = toy::stream(1);
  stream.events.emplace_back(Request{.name = "five", .classes = {}, .samples = {0, 1}, .tasks = {}});
  EXPECT_EQ(class_history(stream).forgotten, Classes{});
}

}  // namespace
}  // namespace mneme

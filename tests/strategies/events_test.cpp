// Requests to forget and what a stream hides: if these fail, a request is trained on as if it were a task, or a
// strategy reads an answer that it must find.
#include <gtest/gtest.h>

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::only;
using test::Rig;
using test::Scripted;

Request forget_class_1() { return {.name = "class 1", .classes = {1}, .samples = {}, .tasks = {}}; }

TEST(Forget, RunsTheStagesThatAStrategyBringsForIt) {
  auto s = std::make_unique<Scripted>();
  s->declared.forgets = true;
  auto const retain = toy::images("toy-0", 16);
  std::vector<std::int64_t> asked;
  s->on_stages = [&](EventContext& c) -> std::vector<Stage> {
    auto const* request = std::get_if<Request>(&c.event);
    if (request == nullptr) return {};
    asked = request->classes;
    EXPECT_EQ(c.task_id(), -1);
    return {{.name = "forget", .data = retain, .epochs = 1}};
  };
  Rig rig(only(std::move(s)));
  rig.trainer.learn(toy::task("toy-0", 0));
  auto const before = rig.theta().clone();
  rig.trainer.forget(forget_class_1());
  EXPECT_EQ(asked, (std::vector<std::int64_t>{1}));
  EXPECT_FALSE(at::equal(rig.theta(), before));
  auto const& row = rig.trainer.matrix().rows.back();
  EXPECT_EQ(row.kind, "forget");
  EXPECT_EQ(row.task, "class 1");
  EXPECT_EQ(row.event, 1);
}

// Wrong: what a method draws shifts the order of the tasks after it, and arms differ in more than the method.
TEST(Forget, LaterTasksComeInTheOrderThatTheyWouldHaveWithoutTheRequest) {
  auto const order_of_second = [](std::int64_t epochs) {
    auto method = std::make_unique<Scripted>(), look = std::make_unique<Scripted>();
    method->declared.forgets = true;
    std::vector<at::Tensor> rows;
    method->on_stages = [&](EventContext&) -> std::vector<Stage> {
      return {{.name = "forget", .data = toy::images("toy-0", 16), .epochs = epochs}};
    };
    look->on_after_step = [&](StepContext& c) {
      if (event_name(c.event) == "toy-1") rows.push_back(c.rows);
    };
    auto strategies = only(std::move(method));
    strategies.add("look", std::move(look), 0);
    Rig rig(std::move(strategies));
    rig.trainer.learn(toy::task("toy-0", 0));
    if (epochs > 0) rig.trainer.forget(forget_class_1());
    rig.trainer.learn(toy::task("toy-1", 1));
    return at::cat(rows);
  };
  auto const plain = order_of_second(0);
  EXPECT_TRUE(at::equal(order_of_second(1), plain));
  EXPECT_TRUE(at::equal(order_of_second(3), plain));
}

TEST(Forget, WithEarlyStopHasNothingHeldOut) {
  auto s = std::make_unique<Scripted>();
  s->declared.forgets = true;
  int steps = 0;
  s->on_stages = [&](EventContext& c) -> std::vector<Stage> {
    if (is_learn(c.event)) return {};
    return {{.name = "forget", .data = toy::images("toy-0", 16), .epochs = 6}};
  };
  s->on_after_step = [&](StepContext& c) { steps += is_learn(c.event) ? 0 : 1; };
  auto options = RunRecipe::toy().train;
  options.patience = 1;
  Rig rig(only(std::move(s)), options);
  rig.trainer.learn(toy::task("toy-0", 0));
  rig.trainer.forget(forget_class_1());
  EXPECT_EQ(steps, 12) << "it was stopped by a figure of no data";
}

TEST(Forget, WithoutAStrategyForItSaysSoAndChangesNothing) {
  Rig rig(test::listed("naive"));
  rig.trainer.learn(toy::task("toy-0", 0));
  auto const before = rig.theta().clone();
  auto const message = message_of<ConfigError>([&] { rig.trainer.forget(forget_class_1()); });
  EXPECT_NE(message.find("class 1"), std::string::npos) << message;
  EXPECT_NE(message.find("naive"), std::string::npos) << message;
  EXPECT_TRUE(at::equal(rig.theta(), before));
  rig.trainer.learn(toy::task("toy-1", 1));  // the refused event left nothing behind
  EXPECT_EQ(rig.trainer.events_done(), 2);
}

TEST(Visibility, ReadingAHiddenTaskIsAnError) {
  auto s = std::make_unique<Scripted>();
  s->on_begin = [](EventContext& c) { static_cast<void>(c.task_id()); };
  auto stream = toy::stream(1);
  stream.visibility.task_at_training = false;
  Rig rig(only(std::move(s)));
  EXPECT_THROW(rig.trainer.run(stream), VisibilityError);
  auto t = std::make_unique<Scripted>();
  t->on_compose = [](Batch batch, StepContext&) {
    static_cast<void>(batch.task());
    return batch;
  };
  Rig other(only(std::move(t)));
  EXPECT_THROW(other.trainer.run(stream), VisibilityError);
}

}  // namespace
}  // namespace mneme

// Archive and random streams: if these fail, a resumed run goes on with other numbers than it stopped with.
#include "mneme/nets/archive.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/nets/random.hpp"
#include "tests/core/message_of.hpp"

namespace mneme {
namespace {

struct Part {
  at::Tensor tensor, none;
  std::int64_t count = 0;
  double rate = 0;
  bool on = false;
  std::string text;
  Json json;
  void state(Archive& a) {
    Archive::Scope const scope(a, "part");
    a.field("tensor", tensor);
    a.field("none", none);
    a.field("count", count);
    a.field("rate", rate);
    a.field("on", on);
    a.field("text", text);
    a.field("json", json);
  }
};

TEST(Archive, GivesBackEveryFieldAndKeepsUndefinedTensorsUndefined) {
  Part part{at::arange(3), {}, 7, 0.1, true, "text", {{"a", 1}}};
  Archive saved;
  part.state(saved);
  Archive loaded(saved.tensors(), saved.values(), "here");
  Part back{{}, at::ones({2}), 0, 0, false, "", {}};
  back.state(loaded);
  EXPECT_TRUE(at::equal(back.tensor, part.tensor));
  EXPECT_FALSE(back.none.defined());
  EXPECT_EQ(back.count, 7);
  EXPECT_EQ(back.rate, 0.1);
  EXPECT_TRUE(back.on);
  EXPECT_EQ(back.text, "text");
  EXPECT_EQ(back.json, part.json);
  EXPECT_NE(back.tensor.data_ptr(), part.tensor.data_ptr()) << "a loaded tensor shares memory with the archive";
}

TEST(Archive, NamesAMissingField) {
  Archive empty({}, Json::object(), "checkpoint event-0");
  std::int64_t value = 0;
  auto const message = message_of<CheckpointError>([&] { empty.field("count", value); });
  EXPECT_NE(message.find("checkpoint event-0"), std::string::npos);
  EXPECT_NE(message.find("'count'"), std::string::npos);
  at::Tensor tensor;
  EXPECT_THROW(empty.field("t", tensor), CheckpointError);
  EXPECT_THROW(empty.row("t", at::zeros({2})), CheckpointError);
}

TEST(Archive, RefusesARowOfAnotherShapeAndAFieldOfAnotherKind) {
  Archive archive({{"row", at::zeros({3})}}, {{"count", "three"}}, "x");
  EXPECT_THROW(archive.row("row", at::zeros({2})), CheckpointError);
  std::int64_t count = 0;
  EXPECT_THROW(archive.field("count", count), CheckpointError);
}

TEST(RandomStreams, OneStreamNeverShiftsAnother) {
  RandomStreams quiet(5), busy(5), other(6);
  static_cast<void>(at::rand({100}, busy.get("strategy"), at::kFloat));
  auto const draw = at::rand({4}, quiet.get("data"), at::kFloat);
  EXPECT_TRUE(at::equal(draw, at::rand({4}, busy.get("data"), at::kFloat)));
  EXPECT_FALSE(at::equal(draw, at::rand({4}, other.get("data"), at::kFloat)));
  EXPECT_FALSE(at::equal(draw, at::rand({4}, quiet.get("data"), at::kFloat))) << "a stream goes on";
  auto fresh = quiet.fresh("data");
  EXPECT_TRUE(at::equal(draw, at::rand({4}, fresh, at::kFloat))) << "a fresh one starts anew";
}

TEST(RandomStreams, GoOnAfterLoadingWhereTheyStopped) {
  RandomStreams before(5);
  static_cast<void>(at::randn({7}, before.get("noise"), at::kFloat));
  static_cast<void>(at::rand({3}, before.get("data"), at::kFloat));
  Archive saved;
  before.state(saved);
  Archive archive(saved.tensors(), saved.values(), "x");
  RandomStreams after(5);
  static_cast<void>(at::rand({9}, after.get("data"), at::kFloat));
  after.state(archive);
  for (auto const* name : {"noise", "data"})
    EXPECT_TRUE(at::equal(at::randn({8}, before.get(name), at::kFloat), at::randn({8}, after.get(name), at::kFloat)));
}

}  // namespace
}  // namespace mneme

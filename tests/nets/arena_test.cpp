// The arena: if these fail, parameters stand in the wrong place, or a gradient is lost or counted twice.
#include "mneme/nets/arena.hpp"

#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "tests/core/message_of.hpp"

namespace mneme {
namespace {

at::Tensor row(std::vector<float> const& values) { return at::tensor(values); }

/// a [2, 3] = 1..6, b [2] = 7, 8.
void fill_small(ParameterArena& arena) {
  arena.add("a", {2, 3});
  arena.add("b", {2});
  arena.allocate();
  arena.value().copy_(at::arange(1, 9));
}

TEST(Arena, SegmentsStandInOrderAndAreViewsOfOneRow) {
  ParameterArena arena;
  fill_small(arena);
  EXPECT_EQ(arena.size(), 8);
  EXPECT_EQ(arena.segments()[1].offset, 6);
  EXPECT_EQ(arena.find("b"), 1);
  EXPECT_EQ(arena.value(0)[1][2].item<float>(), 6);
  arena.value(1)[0] = 70;
  EXPECT_EQ(arena.value()[6].item<float>(), 70);
  EXPECT_NE(message_of<ConfigError>([&] { static_cast<void>(arena.find("bb")); }).find("'b'"), std::string::npos);
  EXPECT_THROW(arena.add("c", {1}), ConfigError);
  ParameterArena fresh;
  fresh.add("a", {1});
  EXPECT_THROW(fresh.add("a", {2}), ConfigError);
}

TEST(Arena, ResizeKeepsTheLeadingCornerAndCarriesRows) {
  ParameterArena arena;
  fill_small(arena);
  auto const fisher = at::arange(10, 18).to(at::kFloat);
  auto const growth = arena.resize(0, {3, 4});
  EXPECT_TRUE(at::equal(arena.value(0), row({1, 2, 3, 0, 4, 5, 6, 0, 0, 0, 0, 0}).view({3, 4})));
  EXPECT_TRUE(at::equal(arena.value(1), row({7, 8})));
  EXPECT_TRUE(at::equal(growth.carry(fisher, -1), row({10, 11, 12, -1, 13, 14, 15, -1, -1, -1, -1, -1, 16, 17})));
  EXPECT_EQ(arena.grad().size(0), 14);
  EXPECT_THROW(arena.resize(0, {2, 4}), ConfigError);
  EXPECT_THROW(arena.resize(0, {12}), ConfigError);
}

TEST(Arena, ResizeOfTheLeadingExtentAloneMovesWholeRows) {
  ParameterArena arena;
  fill_small(arena);
  arena.resize(0, {3, 3});
  EXPECT_TRUE(at::equal(arena.value(0), row({1, 2, 3, 4, 5, 6, 0, 0, 0}).view({3, 3})));
}

TEST(Arena, AppendPutsASegmentBehindTheRest) {
  ParameterArena arena;
  fill_small(arena);
  auto const growth = arena.append("c", {2});
  EXPECT_TRUE(at::equal(arena.value(), row({1, 2, 3, 4, 5, 6, 7, 8, 0, 0})));
  EXPECT_EQ(arena.find("c"), 2);
  EXPECT_TRUE(at::equal(growth.carry(at::ones({8}), 5), row({1, 1, 1, 1, 1, 1, 1, 1, 5, 5})));
}

TEST(Arena, RowsAreStaggeredAndZero) {
  ParameterArena arena;
  fill_small(arena);
  auto const one = arena.new_row(), two = arena.new_row();
  EXPECT_EQ(one.abs().sum().item<float>(), 0);
  EXPECT_NE(reinterpret_cast<std::uintptr_t>(one.data_ptr()) % 4096,
            reinterpret_cast<std::uintptr_t>(two.data_ptr()) % 4096);
}

TEST(Sink, FirstWriteOverwritesLaterAddAndUnusedIsZero) {
  ParameterArena arena;
  fill_small(arena);
  arena.grad().fill_(9);
  arena.begin_gradient();
  auto& sink = arena.sink();
  EXPECT_FALSE(sink.claim(0));
  EXPECT_TRUE(sink.claim(0));
  sink.view(0).fill_(2);
  arena.finish_gradient();
  EXPECT_TRUE(at::equal(arena.grad(), row({2, 2, 2, 2, 2, 2, 0, 0})));
  arena.begin_gradient();
  EXPECT_FALSE(sink.claim(0)) << "a new gradient starts with cleared flags";
}

TEST(Leaf, GradientLandsInTheArenaAndStartsAnewEveryStep) {
  ParameterArena arena;
  fill_small(arena);
  auto const a = arena.leaf(0);
  for (int step = 0; step < 2; ++step) {
    arena.begin_gradient();
    (a * a).sum().backward();
    arena.finish_gradient();
    EXPECT_TRUE(at::equal(arena.grad(), row({2, 4, 6, 8, 10, 12, 0, 0}))) << "step " << step;
  }
}

TEST(Leaf, MadeInsideAForwardPassLosesNoGradient) {
  ParameterArena arena;
  fill_small(arena);
  arena.begin_gradient();
  (arena.leaf(0) * arena.leaf(0)).sum().backward();
  arena.finish_gradient();
  EXPECT_TRUE(at::equal(arena.grad(), row({2, 4, 6, 8, 10, 12, 0, 0})));

  ParameterArena other;
  fill_small(other);
  auto const elsewhere = other.new_row();
  GradientSink sink(other, elsewhere, Reduction::kSum);
  {
    ParameterArena::Redirect const redirect(other, sink);
    other.begin_gradient();
    other.leaf(1).sum().backward();
    other.finish_gradient();
  }
  EXPECT_TRUE(at::equal(elsewhere, row({0, 0, 0, 0, 0, 0, 1, 1})));
  EXPECT_EQ(other.grad().abs().sum().item<float>(), 0) << "a redirected gradient reached the arena's own";
}

TEST(Leaf, RedirectedGradientLeavesTheArenasAlone) {
  ParameterArena arena;
  fill_small(arena);
  auto const a = arena.leaf(0);
  arena.begin_gradient();
  (a * 3).sum().backward();
  arena.finish_gradient();
  auto const before = arena.grad().clone();
  auto const elsewhere = arena.new_row();
  GradientSink sink(arena, elsewhere, Reduction::kSum);
  {
    ParameterArena::Redirect const redirect(arena, sink);
    arena.begin_gradient();
    (a * a).sum().backward();
    arena.finish_gradient();
  }
  EXPECT_TRUE(at::equal(arena.grad(), before));
  EXPECT_TRUE(at::equal(elsewhere, row({2, 4, 6, 8, 10, 12, 0, 0})));
  arena.begin_gradient();
  (a * 5).sum().backward();
  arena.finish_gradient();
  EXPECT_TRUE(at::equal(arena.grad(), row({5, 5, 5, 5, 5, 5, 0, 0}))) << "the scope ended, but the redirection stayed";
}

TEST(Leaf, SurvivesGrowth) {
  ParameterArena arena;
  fill_small(arena);
  arena.leaf(1);
  arena.resize(0, {3, 3});
  arena.begin_gradient();
  (arena.leaf(1) * 2).sum().backward();
  arena.finish_gradient();
  EXPECT_EQ(arena.grad().sum().item<float>(), 4);
  EXPECT_TRUE(at::equal(arena.leaf(1), row({7, 8})));
}

TEST(Adopt, ModuleOfTheUsersLivesInTheArena) {
  torch::nn::Linear module(3, 2);
  auto const weight = module->weight.detach().clone();
  ParameterArena arena;
  arena.adopt_module("own.", *module);
  arena.allocate();
  EXPECT_EQ(arena.size(), 8);
  EXPECT_TRUE(at::equal(arena.value(arena.find("own.weight")), weight)) << "values were not kept";
  EXPECT_TRUE(arena.has_leaves());

  auto const x = at::ones({4, 3});
  arena.begin_gradient();
  module->forward(x).sum().backward();
  arena.finish_gradient();
  EXPECT_TRUE(at::equal(arena.grad(), at::full({8}, 4.0F))) << "its gradient did not land in the arena";

  arena.value().fill_(1);
  EXPECT_TRUE(at::equal(module->forward(x), at::full({4, 2}, 4.0F))) << "the module does not see an update";

  arena.append("more", {2});
  arena.value().fill_(2);
  EXPECT_TRUE(at::equal(module->forward(x), at::full({4, 2}, 8.0F))) << "growth cut the module off";
  arena.begin_gradient();
  module->forward(x).sum().backward();
  arena.finish_gradient();
  EXPECT_EQ(arena.grad().sum().item<float>(), 32);
}

// Wrong: after an importance pass the module's .grad is a scratch row, and what clips or adds to it there is lost.
TEST(Adopt, GradientsAreTheArenasAgainAfterARedirection) {
  torch::nn::Linear module(3, 2);
  ParameterArena arena;
  arena.adopt_module("own.", *module);
  arena.allocate();
  auto const weight = arena.find("own.weight");
  auto const pass = [&] {
    arena.begin_gradient();
    module->forward(at::ones({4, 3})).sum().backward();
    arena.finish_gradient();
  };
  pass();
  auto const before = arena.grad().clone();
  GradientSink outer(arena, arena.new_row(), Reduction::kSum), inner(arena, arena.new_row(), Reduction::kSum);
  {
    ParameterArena::Redirect const to_outer(arena, outer);
    {
      ParameterArena::Redirect const to_inner(arena, inner);
      pass();
    }
    EXPECT_EQ(module->weight.grad().data_ptr(), outer.view(weight).data_ptr()) << "the outer scope is still open";
  }
  EXPECT_EQ(module->weight.grad().data_ptr(), arena.grad().data_ptr());
  EXPECT_TRUE(at::equal(module->weight.grad().flatten(), before.narrow(0, 0, 6)));
  module->forward(at::ones({4, 3})).sum().backward();  // the user's own, without a new gradient: it adds
  EXPECT_TRUE(at::equal(arena.grad(), before * 2));
  EXPECT_TRUE(at::equal(inner.row(), before)) << "it went on into the scratch row";
  EXPECT_EQ(outer.row().abs().sum().item<float>(), 0);
}

TEST(Adopt, RefusesOtherTypes) {
  ParameterArena arena;
  auto const message = message_of<ConfigError>([&] { arena.adopt("m.", {{"w", at::zeros({2}, at::kDouble)}}); });
  EXPECT_NE(message.find("'m.w'"), std::string::npos) << message;
}

}  // namespace
}  // namespace mneme

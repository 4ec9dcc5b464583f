// Residual nets: if these fail, they are not the nets of the papers.
#include "mneme/nets/resnet.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/nets/layers.hpp"
#include "tests/nets/oracle.hpp"

namespace mneme {
namespace {

TEST(ResNet, ParameterCountsAreThePapers) {
  ParameterArena one, two;
  ResNet(one, {3, 32, 32}, ResNet18Options{}, 10);
  ResNet(two, {3, 32, 32}, ResNet32Options{}, 10);
  EXPECT_EQ(one.size(), 1'094'750);
  EXPECT_EQ(two.size(), 464'154);
}

/// The net in plain operations, in training (batch statistics) or evaluation.
class Plain {
 public:
  Plain(ParameterArena const& arena, bool projects, bool last_relu, bool training)
      : o_(arena), projects_(projects), last_relu_(last_relu), training_(training) {}

  [[nodiscard]] Oracle const& oracle() const { return o_; }
  [[nodiscard]] at::Tensor conv(std::string const& name, at::Tensor const& x, std::int64_t stride) const {
    auto const& w = o_.named.at(name + ".weight");
    return at::conv2d(x, w, {}, stride, w.size(2) / 2);
  }
  [[nodiscard]] at::Tensor norm(std::string const& name, at::Tensor const& x) const {
    auto const& w = o_.named.at(name + ".weight");
    auto const mean = at::zeros_like(w).detach(), variance = at::ones_like(w).detach();  // as initialised
    return at::batch_norm(x, w, o_.named.at(name + ".bias"), mean, variance, training_, 0.1, 1e-5, false);
  }
  [[nodiscard]] at::Tensor logits(at::Tensor const& x, int stages, int blocks) const {
    auto h = norm("bn1", conv("conv1", x.to(at::kDouble), 1)).relu();
    for (int stage = 1; stage <= stages; ++stage)
      for (int block = 1; block <= blocks; ++block) {
        auto const name = "layer" + std::to_string(stage) + "." + std::to_string(block);
        std::int64_t const stride = stage > 1 && block == 1 ? 2 : 1;
        auto const inner = norm(name + ".bn1", conv(name + ".conv1", h, stride)).relu();
        auto shortcut = h;
        if (stride == 2 && projects_)
          shortcut = norm(name + ".shortcut.bn", conv(name + ".shortcut", h, 2));
        else if (stride == 2) {
          auto const half = at::zeros_like(h).narrow(1, 0, h.size(1) / 2);
          shortcut = at::cat({half, h, half}, 1).slice(2, 0, h.size(2), 2).slice(3, 0, h.size(3), 2);
        }
        h = norm(name + ".bn2", conv(name + ".conv2", inner, 1)) + shortcut;
        if (last_relu_ || stage < stages || block < blocks) h = h.relu();
      }
    return o_.head(h.mean({2, 3}));
  }

 private:
  Oracle o_;
  bool projects_, last_relu_, training_;
};

template <class Options>
void expect_plain(Options const& options, int stages, int blocks, bool projects, bool last_relu) {
  for (bool const training : {true, false}) {
    ParameterArena arena;
    ResNet net(arena, {3, 9, 9}, options, 4);
    arena.allocate();
    auto g = at::detail::createCPUGenerator(1);
    net.initialise(g);
    auto const x = at::randn({5, 3, 9, 9}, g, at::kFloat);
    auto const y = at::tensor({0, 1, 2, 3, 0}, at::kLong);
    Plain const plain(arena, projects, last_relu, training);
    auto const expected = plain.logits(x, stages, blocks);
    arena.begin_gradient();
    auto const logits = net.forward(x, {.training = training, .gates = nullptr}).logits;
    cross_entropy(logits, y).backward();
    arena.finish_gradient();
    EXPECT_LT(relative_error(logits.detach(), expected.detach()), 1e-4) << training;
    EXPECT_LT(relative_error(arena.grad(), plain.oracle().gradient(at::cross_entropy_loss(expected, y))), 1e-4)
        << training;
  }
}

TEST(ResNet, EighteenEqualsPlainOperationsInFloat64) { expect_plain(ResNet18Options{.width = 2}, 4, 2, true, true); }

TEST(ResNet, ThirtyTwoEqualsPlainOperationsInFloat64) {
  expect_plain(ResNet32Options{.width = 2}, 3, 5, false, true);
  expect_plain(ResNet32Options{.width = 2, .last_relu = false, .output = {.output = "cosine"}}, 3, 5, false, false);
}

}  // namespace
}  // namespace mneme

// Pooling: if these fail, nets with pooling compute something else than torch's.
#include "mneme/nets/max_pool.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <limits>

namespace mneme {
namespace {

struct Pooled {
  at::Tensor value, gradient;
};

template <class Pool>
Pooled pooled(at::Tensor const& x, Pool pool) {
  auto const leaf = x.detach().clone(at::MemoryFormat::Preserve).requires_grad_(true);
  auto const value = pool(leaf);
  auto const weight = at::arange(value.numel(), value.options()).view(value.sizes()) - 7;
  (value * weight).sum().backward();
  return {value.detach(), leaf.grad()};
}

void expect_as_torch(at::Tensor const& x, char const* what) {
  auto const ours = pooled(x, max_pool_2x2), theirs = pooled(x, [](auto const&t) { return at::max_pool2d(t, 2); });
  EXPECT_TRUE(at::allclose(ours.value, theirs.value, 0, 0, true)) << what << ": " << ours.value << theirs.value;
  EXPECT_TRUE(at::allclose(ours.gradient, theirs.gradient, 0, 0, true)) << what << ": gradient";
}

TEST(MaxPool, IsTorchsToTheBit) {
  at::manual_seed(3);
  expect_as_torch(at::randn({3, 2, 28, 28}), "even sides");
  expect_as_torch(at::randn({2, 3, 7, 9}), "odd sides");
  expect_as_torch(at::randn({1, 1, 2, 2}), "one window");
  expect_as_torch(at::randint(0, 2, {4, 2, 8, 6}).to(at::kFloat), "equal values");
  expect_as_torch(at::randn({2, 2, 6, 6}).transpose(2, 3), "not contiguous");
  expect_as_torch(at::randn({2, 2, 6, 6}, at::kDouble), "float64");
  auto odd = at::randn({1, 2, 4, 4});
  odd[0][0][0][1] = odd[0][1][3][2] = std::numeric_limits<float>::quiet_NaN();
  odd[0][1][0] = -std::numeric_limits<float>::infinity();
  odd[0][1][1] = -std::numeric_limits<float>::infinity();
  expect_as_torch(odd, "not finite");
}

TEST(MaxPool, PoolsWithoutAGraphToo) {
  at::NoGradGuard const no_grad;
  auto const x = at::randn({2, 1, 4, 4});
  EXPECT_TRUE(at::equal(max_pool_2x2(x), at::max_pool2d(x, 2)));
  EXPECT_EQ(max_pool_2x2(at::empty({0, 1, 4, 4})).sizes(), (at::IntArrayRef{0, 1, 2, 2}));
}

}  // namespace
}  // namespace mneme

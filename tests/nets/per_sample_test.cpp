// Powers of per-sample gradients by tiles: if these fail, the importance of convolutions is wrong on some processor.
#include "mneme/nets/per_sample.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "tests/nets/oracle.hpp"

namespace mneme::node {
namespace {

struct Case {
  std::int64_t samples, rows, maps, height, width;
  Window window;
};

std::vector<Tiles> available() {
  std::vector<Tiles> all = {Tiles::kProducts};
  if (widest_tiles() != Tiles::kProducts) all.push_back(Tiles::kEight);
  if (widest_tiles() == Tiles::kSixteen) all.push_back(Tiles::kSixteen);
  return all;
}

// Sizes that fill no tile, windows that overlap, and those that leave a border out.
std::vector<Case> const kCases = {{3, 1, 1, 4, 4, {3, 1, 1}},
                                  {5, 9, 2, 7, 6, {4, 2, 1}},
                                  {2, 8, 32, 5, 5, {5, 1, 2}},
                                  {4, 33, 3, 9, 11, {3, 2, 0}},
                                  {1, 2, 7, 3, 3, {1, 1, 0}}};

TEST(PerSample, SumsOfPowersAreThoseOfGradientsFormedOneByOne) {
  auto generator = at::detail::createCPUGenerator(3);
  for (auto const& c : kCases) {
    auto const other = at::randn({c.samples, c.maps, c.height, c.width}, generator, at::kFloat);
    auto const columns = windows(other, c.window, 0, c.samples);
    auto const rows = at::randn({c.samples, c.rows, columns.size(2)}, generator, at::kFloat);
    auto const each = at::bmm(rows.to(at::kDouble), columns.to(at::kDouble).transpose(1, 2));
    auto const ways = available();
    if (ways.size() == 3) {  // every number is a sum in the order of positions and samples
      EXPECT_TRUE(at::equal(sum_of_powers(rows, other, c.window, Raised::kSquare, Tiles::kEight),
                            sum_of_powers(rows, other, c.window, Raised::kSquare, Tiles::kSixteen)))
          << "the width of a processor's vectors changes bits";
    }
    for (auto const tiles : ways) {
      SCOPED_TRACE(testing::Message() << c.rows << " rows, " << c.maps << " maps, way " << static_cast<int>(tiles));
      EXPECT_LT(relative_error(sum_of_powers(rows, other, c.window, Raised::kSquare, tiles), each.square().sum(0)),
                1e-6);
      EXPECT_LT(relative_error(sum_of_powers(rows, other, c.window, Raised::kAbsolute, tiles), each.abs().sum(0)),
                1e-6);
    }
  }
}

TEST(PerSample, SeveralThreadsSumWhatOneDoes) {
  auto generator = at::detail::createCPUGenerator(4);
  auto const rows = at::randn({7, 5, 16}, generator, at::kFloat),
             other = at::randn({7, 3, 4, 4}, generator, at::kFloat);
  Window const w{3, 1, 1};
  auto const threads = at::get_num_threads();
  at::set_num_threads(1);
  auto const one = sum_of_powers(rows, other, w, Raised::kSquare);
  at::set_num_threads(2);
  auto const two = sum_of_powers(rows, other, w, Raised::kSquare);
  at::set_num_threads(threads);
  EXPECT_LT(relative_error(two, one), 1e-6);
  EXPECT_EQ(sum_of_powers(rows.narrow(0, 0, 0), other.narrow(0, 0, 0), w, Raised::kSquare).sum().item<float>(), 0);
}

}  // namespace
}  // namespace mneme::node

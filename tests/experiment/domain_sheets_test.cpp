// Sheets of a model of domains: if these fail, a picture shows other codes, classes or domains than its caption says.
#include "mneme/experiment/domain_sheets.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/testing/recipe.hpp"
#include "mneme/testing/toy.hpp"

namespace mneme {
namespace {

/// A toy model that has met two domains of three.
class DomainSheets : public ::testing::Test {
 protected:
  DomainSheets() : learner_(toy::learner("lgaa", {{"latent", 3}})) {
    Trainer trainer(*learner_, StrategyList(Json{{"kind", "self-replay"}}, "strategy", 0), RunRecipe::toy().train, {},
                    0);
    trainer.run(toy::stream(2));
    for (std::int64_t t = 0; t < 3; ++t) tested_.push_back(toy::task("toy-" + std::to_string(t), t));
    auto noise = at::detail::createCPUGenerator(4);
    sheets_ = domain_sheets(model(), tested_, noise, at::kCPU);
  }
  [[nodiscard]] Recalls const& model() const { return dynamic_cast<Recalls const&>(*learner_); }
  [[nodiscard]] Sheet const& sheet(std::string const& kind, std::string const& of = "") const {
    for (auto const& one : sheets_)
      if (one.kind == kind && one.of == of) return one;
    ADD_FAILURE() << "no " << kind << " of " << of;
    return sheets_.front();
  }
  /// The first test image of a class [1, ...]: classes stand in turn.
  [[nodiscard]] at::Tensor image(std::int64_t domain, std::int64_t label) const {
    return tested_[static_cast<std::size_t>(domain)].test.slice(label, 1);
  }
  static void expect_close(at::Tensor const& a, at::Tensor const& b, std::string const& what) {
    EXPECT_TRUE(at::allclose(a, b, 1e-4, 1e-5)) << what;
  }

  std::unique_ptr<Learner> learner_;
  std::vector<Task> tested_;
  std::vector<Sheet> sheets_;
};

TEST_F(DomainSheets, AreOfTheDomainsThatWereMet) {
  std::map<std::string, int> count;
  for (auto const& one : sheets_) {
    ++count[one.kind];
    EXPECT_NE(one.of, "toy-2") << one.kind;
    EXPECT_EQ(one.images.size(0) % one.columns, 0) << one.kind;
  }
  EXPECT_EQ(count, (std::map<std::string, int>{
                       {"classes", 2}, {"between-images", 1}, {"coordinates", 2}, {"translation", 2}}));
}

TEST_F(DomainSheets, ClassesHaveTheSameCodesInAllRowsAndDomains) {
  auto noise = at::detail::createCPUGenerator(4);
  auto const z = draw_normal({10, 3}, noise, at::kCPU);
  for (std::int64_t d = 0; d < 2; ++d) {
    auto const& found = sheet("classes", "toy-" + std::to_string(d));
    ASSERT_EQ(found.images.size(0), 40);
    for (std::int64_t c = 0; c < 4; ++c) {
      auto const u = at::eye(4).narrow(0, c, 1).expand({10, -1}), a = at::eye(4).narrow(0, d, 1).expand({10, -1});
      expect_close(found.images.narrow(0, 10 * c, 10), model().decode({z, u, a}), "domain and class");
    }
  }
}

// Wrong: a reconstruction below another class's image, or draws of other classes or of another domain.
TEST_F(DomainSheets, OfAnEpochAlignImagesReconstructionsAndDrawsByClass) {
  auto noise = at::detail::createCPUGenerator(5);
  auto const sheets = epoch_sheets(model(), tested_, noise, at::kCPU);
  ASSERT_EQ(sheets.size(), 2U);
  auto same_noise = at::detail::createCPUGenerator(5);
  for (std::int64_t d = 0; d < 2; ++d) {
    auto const& found = sheets[static_cast<std::size_t>(d)];
    EXPECT_EQ(found.of, "toy-" + std::to_string(d));
    ASSERT_EQ(found.images.size(0), (2 + 8) * found.columns);
    for (std::int64_t c = 0; c < found.columns; ++c) {
      expect_close(found.images[c], image(d, c)[0], "image of " + std::to_string(c));
      auto const made = model().decode(model().infer(image(d, c)));
      expect_close(found.images[found.columns + c], made[0], "reconstruction of " + std::to_string(c));
    }
    auto const labels = at::arange(found.columns, at::kLong).repeat({8});
    auto const drawn = model().draw(labels, at::full_like(labels, d), same_noise);
    expect_close(found.images.narrow(0, 2 * found.columns, 8 * found.columns), drawn, "draws");
  }
}

TEST_F(DomainSheets, TranslationKeepsCodeAndClassAndChangesTheDomain) {
  auto const& found = sheet("translation", "toy-0");
  ASSERT_EQ(found.columns, 4);
  ASSERT_EQ(found.images.size(0), 12) << "originals and two domains";
  for (std::int64_t c = 0; c < 4; ++c) {
    expect_close(found.images[c], image(0, c)[0], "original");
    auto codes = model().infer(image(0, c));
    for (std::int64_t d = 0; d < 2; ++d) {
      codes.a = at::eye(4).narrow(0, d, 1);
      expect_close(found.images[4 * (d + 1) + c], model().decode(codes)[0], "translated to " + std::to_string(d));
    }
  }
}

TEST_F(DomainSheets, CoordinatesMoveOneNumberOfTheCodeAlone) {
  auto const& found = sheet("coordinates", "toy-1");
  ASSERT_EQ(found.images.size(0), 3 * 13);
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t step : {0, 6, 12}) {
      auto codes = model().infer(image(1, 0));
      codes.z[0][i] = -3.0 + 0.5 * static_cast<double>(step);
      expect_close(found.images[13 * i + step], model().decode(codes)[0], "coordinate " + std::to_string(i));
    }
}

TEST_F(DomainSheets, WalksGoFromImageToImageInOneCodeEachAndThenInAll) {
  auto const& found = sheet("between-images");
  ASSERT_EQ(found.columns, 14);
  ASSERT_EQ(found.images.size(0), 3 * 4 * 14) << "two domains, and one to the other";
  auto const from = image(0, 1), to = image(1, 2);  // a third and two thirds of four classes
  auto const block = found.images.narrow(0, 2 * 4 * 14, 4 * 14);
  auto const first = model().infer(from), last = model().infer(to);
  for (std::int64_t row = 0; row < 4; ++row) {
    expect_close(block[14 * row], from[0], "left end");
    expect_close(block[14 * row + 1], model().decode(first)[0], "the first step is the left image's reconstruction");
    expect_close(block[14 * row + 13], to[0], "right end");
    auto end = first;
    if (row == 0 || row == 3) end.z = last.z;
    if (row == 1 || row == 3) end.u = last.u;
    if (row == 2 || row == 3) end.a = last.a;
    expect_close(block[14 * row + 12], model().decode(end)[0], "row " + std::to_string(row));
  }
  auto const middle = between(first, last, 3, {true, true, false});
  expect_close(middle.z[1], (first.z[0] + last.z[0]) / 2, "half-way");
  expect_close(middle.a[1], first.a[0], "what does not move stays");
}

}  // namespace
}  // namespace mneme

// Sheets of a conditional model: if these fail, a picture shows other codes or classes than its caption says.
#include "mneme/experiment/class_sheets.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/testing/toy.hpp"

namespace mneme {
namespace {

Sheet sheet_of(Learner& learner, std::string const& kind, std::vector<std::int64_t> const& shown = {2}) {
  auto const sheets = class_sheets(dynamic_cast<Conditional const&>(learner), {toy::task("toy-0", 0)}, shown, at::kCPU);
  for (auto const& sheet : sheets)
    if (sheet.kind == kind) return sheet;
  ADD_FAILURE() << "no " << kind;
  return {};
}

TEST(ClassSheets, TheTraversalHasTheFourImagesInItsCorners) {
  auto const learner = toy::learner("cvae");
  auto const& model = dynamic_cast<Conditional const&>(*learner);
  auto const sheet = sheet_of(*learner, "traversal");
  ASSERT_EQ(sheet.images.size(0), 144);
  auto const test = toy::task("toy-0", 0).test;  // classes in turn; with four, the corners are 0, 1, 2, 3
  auto const labels = at::tensor({0, 1, 2, 3}, at::kLong);
  auto const expected = model.decode(model.encode(test.slice(0, 4), model.condition(labels)), model.condition(labels));
  std::int64_t const corners[] = {0, 11, 132, 143};
  for (std::int64_t i = 0; i < 4; ++i)
    EXPECT_TRUE(at::allclose(sheet.images[corners[i]], expected[i], 1e-5, 1e-6)) << "corner " << i;
}

TEST(ClassSheets, CornersAreWeighedBilinearly) {
  auto const corners = at::tensor({0.0F, 4.0F, 8.0F, 16.0F}).view({4, 1});
  auto const found =
      between_corners(corners, at::tensor({0.0F, 0.0F, 1.0F, 0.5F, 0.25F}), at::tensor({0.5F, 1.0F, 0.0F, 0.5F, 0.0F}));
  EXPECT_TRUE(at::allclose(found.flatten(), at::tensor({2.0F, 4.0F, 8.0F, 7.0F, 2.0F})));
}

TEST(ClassSheets, TheManifoldIsOfTheClassOverNormalQuantiles) {
  auto const learner = toy::learner("cvae");
  auto const& model = dynamic_cast<Conditional const&>(*learner);
  auto const sheet = sheet_of(*learner, "manifold");
  ASSERT_EQ(sheet.images.size(0), 225);
  auto const condition = model.condition(at::tensor({2}, at::kLong));
  // The standard normal distribution's quantiles 0.01 and 0.99 are -+2.3263, its median is 0; rows change the first.
  auto const at_code = [&](float z0, float z1) {
    return model.decode(at::tensor({z0, z1}).view({1, 2}), condition)[0];
  };
  EXPECT_TRUE(at::allclose(sheet.images[0], at_code(-2.3263F, -2.3263F), 1e-4, 1e-4));
  EXPECT_TRUE(at::allclose(sheet.images[14], at_code(-2.3263F, 2.3263F), 1e-4, 1e-4));
  EXPECT_TRUE(at::allclose(sheet.images[112], at_code(0, 0), 1e-4, 1e-4));
}

TEST(ClassSheets, InterpolationGoesFromEachClassToTheNext) {
  auto const learner = toy::learner("cvae");
  auto const& model = dynamic_cast<Conditional const&>(*learner);
  auto const sheet = sheet_of(*learner, "interpolation");
  ASSERT_EQ(sheet.images.size(0), 4 * sheet.columns);
  auto const of = [&](std::vector<float> const& c) {
    return model.decode(at::zeros({1, 2}), at::tensor(c).view({1, 4}))[0];
  };
  EXPECT_TRUE(at::allclose(sheet.images[0], of({1, 0, 0, 0}), 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(sheet.images[5], of({0.5, 0.5, 0, 0}), 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(sheet.images[4 * sheet.columns - 1], of({1, 0, 0, 0}), 1e-5, 1e-6))
      << "the last goes to the first";
}

}  // namespace
}  // namespace mneme

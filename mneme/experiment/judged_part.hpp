// What a judge is asked about at once, with the real images that it is compared with (judging.hpp).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mneme/data/dataset.hpp"
#include "mneme/experiment/judge.hpp"

namespace mneme {

/// What is judged together: all of a conditional model, or one domain of a model of domains.
struct JudgedPart {
  std::string name;     // of the domain
  std::int64_t id = 0;  // its number
  std::shared_ptr<Judge> judge;
  std::vector<Dataset> tests;
  std::map<std::int64_t, std::int64_t> tasks = {};  // of each class, where the stream shows the task at test
  Dataset train = {};                               // of the domain
  at::Tensor images = {}, features = {};            // of real test images, once they were wanted
  double nearest_real = 0;

  /// Of the test set that names the most.
  [[nodiscard]] std::vector<std::string> class_names() const;
  /// Test images of the class [n, ...], at most so many; undefined where there is none.
  [[nodiscard]] at::Tensor test_images(std::int64_t label, std::int64_t most) const;
  /// Throws ConfigError where the judge was trained on other classes than those that the learner draws, by their number
  /// or their names.
  void refuse_other_classes() const;
};

/// The parts of the learner, with their judges from `find`, which is given the data set (empty: the judge's own).
/// Throws as `refuse_other_classes`.
[[nodiscard]] std::vector<JudgedPart> judged_parts(
    Learner const& learner, Stream const& stream,
    std::function<std::shared_ptr<Judge>(std::string const& dataset)> const& find);

}  // namespace mneme

// Samples from outside a run, in the form that its learner takes.
#pragma once

#include <string>
#include <vector>

#include "mneme/data/dataset.hpp"
#include "stored.hpp"

namespace mneme::app {

/// Names of the outputs; empty where the run's tasks do not agree on them and only the number says something.
[[nodiscard]] std::vector<std::string> output_names(StoredArm const& arm);

/// A data set to test on: a catalogued name or one of the run's own, a folder <dir>/<class>/<picture>, or a CSV with a
/// label column. Pictures get the learner's size and channels, labels the run's numbers. DataError where it does not
/// fit.
[[nodiscard]] Dataset labelled_input(std::string const& what, std::string const& split, StoredArm const& arm,
                                     DataLibrary& library);

/// Samples without labels.
struct Unlabelled {
  std::vector<std::string> names;  // file, or file:row for a table
  at::Tensor x;                    // float [N, ...]
};
/// Pictures or tables (*.csv, with or without a label column).
[[nodiscard]] Unlabelled unlabelled_input(std::vector<std::string> const& files, StoredArm const& arm);

}  // namespace mneme::app

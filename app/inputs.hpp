// Samples from outside a run, in the form that its learner takes.
#pragma once

#include <string>
#include <vector>

#include "mneme/data/dataset.hpp"
#include "stored.hpp"

namespace mneme::app {

/// Names of the outputs, as the task of that name has them, or without one as all have; empty where the run's tasks do
/// not agree on them and only the number says something.
[[nodiscard]] std::vector<std::string> output_names(StoredArm const& arm, std::string const& task = {});

/// A file or folder that is no part of a run.
struct OutsideFile {
  std::string path;
  std::string as = {};  // read as the run's own data set of this name; empty: by the file's ending
  bool labelled = true;
  std::string task = {};  // of the run, which its classes are named as; empty: as all tasks name them
};

/// A data set to test on: a task of the run, as it was learnt or tested; a catalogued name or one of the run's own; a
/// folder <dir>/<class>/<picture>, or a file of any format of [datasets.<name>]: a table, JSON or texts with labels,
/// CIFAR records, SVHN's .mat, safetensors. Texts become what those of the run's own sets became; images get the
/// learner's shape (fitting.hpp), labels the run's numbers. DataError where it does not fit.
[[nodiscard]] Dataset labelled_input(OutsideFile const& what, std::string const& split, StoredArm const& arm,
                                     DataLibrary& library);

/// Samples without labels.
struct Unlabelled {
  std::vector<std::string> names;  // file, or file:row where it has rows
  at::Tensor x;                    // float [N, ...]
};
/// Pictures, or files as above with or without labels; a .txt is one text a line. `as` as above.
[[nodiscard]] Unlabelled unlabelled_input(std::vector<std::string> const& files, std::string const& as,
                                          StoredArm const& arm, DataLibrary& library);

}  // namespace mneme::app

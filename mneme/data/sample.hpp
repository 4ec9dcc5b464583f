// The embedded sample: real images inside the binary, so that the first run needs neither network nor data folder.
//
// Of MNIST and Fashion-MNIST each the first 400 images of every class in the order of the training file (4,000 images)
// and the first 100 of every class in the order of the test file (1,000), both kept in file order.
// scripts/make_sample.py makes the files again from the originals. Results on the sample are not those of the full set.
#pragma once

#include <string>
#include <vector>

#include "mneme/io/labelled.hpp"

namespace mneme {

/// "mnist", "fashion-mnist".
std::vector<std::string> sample_names();

/// `name` may be a catalogue alias; `split` is "train" or "test". ConfigError for what is not embedded.
LabelledData load_sample(std::string const& name, std::string const& split);

}  // namespace mneme

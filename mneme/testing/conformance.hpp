// Conformance: what every strategy must hold to, checked by running it on toy data. A strategy of the registry is
// checked by the project's own tests; call this for your own.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mneme/testing/recipe.hpp"

namespace mneme {

/// Sentences about what is wrong; empty: nothing was found. Checked are:
///  - the same seed gives the same bits, another seed others;
///  - stopped or crashed at any of several steps, and resumed, the run ends with the same bits;
///  - a state that is loaded and saved again is the same state;
///  - evaluating on the way changes nothing;
///  - a test sample gets the same scores (within 1e-5) and the same answer whatever batch it stands in;
///  - before the first `end_event` it does what its declared prefix says: nothing, unless that is kChanges;
///  - it reads nothing that a stream hides and that `needs()` does not ask for;
///  - parameters and log stay finite, and nothing is printed.
/// `scratch` is an empty folder; runs are left in it.
[[nodiscard]] std::vector<std::string> check_conformance(RunRecipe const& recipe, std::filesystem::path const& scratch);

}  // namespace mneme

#include "mneme/strategies/ewc_convention.hpp"

#include <algorithm>
#include <cmath>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"

namespace mneme {
namespace {

std::vector<EwcConvention> const& conventions() {
  static std::vector<EwcConvention> const list = {
      {.name = "mneme",
       .labels = {"sampled", "all", "empirical", "weighted", "batch", "batch-predicted", "accumulating"},
       .modes = {"separate", "online", "blend"}},
      {.name = "avalanche", .labels = {"batch"}, .modes = {"separate", "online"}, .lambda = 2},
      {.name = "mammoth",
       .labels = {"weighted"},
       .modes = {"online"},
       .lambda = 2,
       .share = [](double used, double, double batch) { return used / (std::ceil(used / batch) * batch); }},
      {.name = "van-de-ven",
       .labels = {"all", "sampled", "empirical"},
       .modes = {"separate", "online"},
       .share = [](double used, double all, double) { return used < all ? 1.0 : used / std::max(used - 1, 1.0); },
       .gamma_in_penalty = true},
      {.name = "facil", .labels = {"batch-predicted"}, .modes = {"blend"}, .whole_batches = true, .head = false},
  };
  return list;
}

}  // namespace

std::vector<std::string> ewc_convention_names() {
  std::vector<std::string> names;
  for (auto const& convention : conventions()) names.push_back(convention.name);
  return names;
}

EwcConvention const& ewc_convention(std::string const& name) {
  for (auto const& convention : conventions())
    if (convention.name == name) return convention;
  throw ConfigError("ewc: no convention '" + name + "'; known: " + join(ewc_convention_names(), ", "));
}

std::string settle(EwcConvention const& convention, std::string const& option, std::string const& asked,
                   std::vector<std::string> const& allowed) {
  if (asked == "auto") return allowed.front();
  if (std::find(allowed.begin(), allowed.end(), asked) != allowed.end()) return asked;
  throw ConfigError("ewc: convention '" + convention.name + "' goes with " + option + " " + join(allowed, ", ") +
                    ", not with '" + asked + "'. Leave " + option + " out, or the convention");
}

}  // namespace mneme

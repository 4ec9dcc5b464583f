#include "mneme/stream/changes.hpp"

#include <algorithm>
#include <vector>

namespace mneme {

std::span<ChangeRow const> change_table() {
  static std::vector<ChangeRow> const table = {
      task_order_row(),  repeat_row(),     blurry_row(),       boundary_free_row(), pooled_split_row(),
      limit_row(),       imbalanced_row(), noisy_labels_row(), forget_row(),        online_row(),
      hidden_task_row(), unlabelled_row(), few_labels_row(),
  };
  return table;
}

bool has_boundaries(Json const& stream) {
  auto const changes = stream.value("with", Json::array());
  return std::none_of(changes.begin(), changes.end(), [](Json const& change) {
    return find_row(change_table(), "stream change", change.at("kind").get<std::string>()).takes_boundaries;
  });
}

}  // namespace mneme

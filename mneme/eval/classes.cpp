#include "mneme/eval/classes.hpp"

#include <cmath>

#include "mneme/core/errors.hpp"

namespace mneme {

Json ClassCounts::to_json() const {
  Json list = Json::array();
  for (auto const& bin : bins) list.push_back({bin.samples, bin.confidence, bin.correct});
  return {{"confusion", confusion}, {"bins", list}};
}

ClassCounts ClassCounts::from_json(Json const& json) try {
  ClassCounts counts;
  counts.confusion = json.at("confusion").get<decltype(counts.confusion)>();
  for (auto const& row : counts.confusion)
    if (row.size() != counts.confusion.size()) throw DataError("confusion matrix: it is not square");
  for (auto const& bin : json.at("bins"))
    counts.bins.push_back({bin.at(0).get<std::int64_t>(), bin.at(1).get<double>(), bin.at(2).get<double>()});
  return counts;
} catch (Json::exception const& e) {
  throw DataError(std::string("confusion matrix: expected `confusion` and `bins`: ") + e.what());
}

std::vector<Cell> per_class_accuracy(ClassCounts const& counts) {
  std::vector<Cell> list;
  for (std::size_t c = 0; c < counts.confusion.size(); ++c) {
    std::int64_t total = 0;
    for (auto const n : counts.confusion[c]) total += n;
    list.push_back(total == 0 ? Cell()
                              : Cell(static_cast<double>(counts.confusion[c][c]) / static_cast<double>(total)));
  }
  return list;
}

std::optional<double> expected_calibration_error(ClassCounts const& counts) {
  std::int64_t samples = 0;
  double error = 0;
  for (auto const& bin : counts.bins) {
    samples += bin.samples;
    error += std::abs(bin.correct - bin.confidence);  // n_b |acc_b - conf_b|
  }
  if (samples == 0) return std::nullopt;
  return error / static_cast<double>(samples);
}

}  // namespace mneme

#include "mneme/train/class_tally.hpp"

#include <torch/types.h>

namespace mneme {

void ClassTally::add(Batch const& batch, at::Tensor const& logits) {
  auto const classes = logits.size(1);
  if (!confusion_.defined()) {
    confusion_ = at::zeros({classes, classes}, logits.options().dtype(at::kLong));
    bins_ = at::zeros({kBins, 3}, logits.options().dtype(at::kDouble));
  }
  auto const [largest, answer] = at::softmax(active_logits(batch, logits), 1).max(1);
  auto const answered = largest.isfinite();
  auto const confidence = largest.nan_to_num(0);
  auto const cell = batch.y() * classes + answer;
  confusion_.view(-1).index_add_(0, cell, answered.to(at::kLong));
  auto const bin = (confidence * kBins).ceil().to(at::kLong).sub_(1).clamp_(0, kBins - 1);
  auto const correct = answer.eq(batch.y()).logical_and_(answered);
  bins_.index_add_(
      0, bin,
      at::stack({answered.to(confidence.scalar_type()), confidence, correct.to(confidence.scalar_type())}, 1)
          .to(at::kDouble));
}

ClassCounts ClassTally::counts() const {
  ClassCounts counts;
  if (!confusion_.defined()) return counts;
  auto const confusion = confusion_.cpu();
  auto const bins = bins_.cpu();
  auto const cells = confusion.accessor<std::int64_t, 2>();
  for (std::int64_t c = 0; c < confusion.size(0); ++c)
    counts.confusion.emplace_back(cells[c].data(), cells[c].data() + confusion.size(1));
  auto const values = bins.accessor<double, 2>();
  for (std::int64_t b = 0; b < kBins; ++b)
    counts.bins.push_back({static_cast<std::int64_t>(values[b][0]), values[b][1], values[b][2]});
  return counts;
}

}  // namespace mneme

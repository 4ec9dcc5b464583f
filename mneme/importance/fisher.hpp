// importance: how much each parameter matters to what was learnt, as a row [P].
//
// Diagonal Fisher information in seven forms. Canonical (Kirkpatrick et al. 2017, arXiv:1612.00796, eq. 3):
//
//   F_i = (1/N) sum_n sum_c p(c|x_n) ( d log p(c|x_n) / d theta_i )^2           kAll: the expectation over all labels
//   one label drawn from p(c|x_n) in place of the sum                            kSampled
//   the label of the data set                                                    kEmpirical
//   the same, each sample weighted by p(y|x)                                     kWeighted
//   (1/K) sum_k ( d L_k / d theta_i )^2, L_k the mean loss of batch k            kBatch: what several peers call Fisher
//   the same for the model's most probable labels                                kBatchPredicted
//   (1/K) sum_k ( sum_{j<=k} d L_j / d theta_i )^2                               kAccumulating: kBatch without zeroing
//                                                     the gradient between batches, for replication of a defect only
//
// For a learner without classes (a VAE) kSampled and kAll mean the per-sample gradient of its loss, with its noise
// drawn once per sample. Every estimate runs in evaluation mode, leaves parameters, gradient and module state as they
// were, and costs about one training epoch over N (kAll on a net of Linear layers about two, see below).
//
// Per-sample squares come from layer inputs and output gradients by matmul (nets/layers.hpp); kAll seeds the backward
// pass of label c with sqrt(p_c) (e_c - p), so the square carries its weight, and Linear layers sum over the labels
// before their product. A net with parameters outside those layers, or one that uses a layer twice, falls back to one
// backward pass per sample and says so once.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <string>

#include "mneme/core/options.hpp"
#include "mneme/data/dataset.hpp"
#include "mneme/learners/learner.hpp"

namespace mneme {

enum class FisherLabels { kSampled, kAll, kEmpirical, kWeighted, kBatch, kBatchPredicted, kAccumulating };

struct FisherOptions {
  std::string labels = "sampled";
  std::int64_t samples = 0;
  std::int64_t batch = 500;
  void describe(OptionVisitor& v);
  void describe_samples(OptionVisitor& v);  // without `labels`
  [[nodiscard]] static OptionNote labels_note();
  [[nodiscard]] FisherLabels estimator() const;
  /// How many of so many samples are used.
  [[nodiscard]] std::int64_t count(std::int64_t available) const;
};

/// Trace, quantiles and share of zeros of an importance row, for the log.
struct ImportanceSummary {
  double trace = 0;
  std::vector<std::pair<double, double>> quantiles;  // (probability, value)
  double zero_share = 0;
};
[[nodiscard]] ImportanceSummary summarise(at::Tensor const& importance);

struct ImportanceRequest {
  Learner& learner;
  Dataset const& data;
  FisherOptions options;
  at::Generator& choice;                                                        // which samples, which labels
  at::Generator& noise;                                                         // the learner's own noise
  std::function<void(std::string const&)> note = {};                            // told once about a fallback
  std::function<at::Tensor(Batch const&, Output const&)> per_sample_loss = {};  // [n]; default: the learner's
  std::function<void()> poll = {};                                              // called between batches; may throw
  // What the forward passes of training see too: the task, the outputs in the softmax, multipliers of hidden layers.
  std::optional<std::int64_t> task = {};
  std::function<void(Batch&)> activate = {};
  std::function<Gates(Batch const&)> gates = {};
};

/// F [P]. Throws NumericError if a value is not finite.
[[nodiscard]] at::Tensor diagonal_fisher(ImportanceRequest const& request);

}  // namespace mneme

// learners: network plus objective. A learner knows nothing of old tasks, strategies or loops.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mneme/core/registry.hpp"
#include "mneme/nets/arena.hpp"
#include "mneme/nets/net.hpp"
#include "mneme/nets/random.hpp"
#include "mneme/stream/batch.hpp"

namespace mneme {

/// One optimizer's share of a step: a classifier has one, a GAN-like learner several.
struct Phase {
  std::string name;
  std::vector<int> segments;  // trained by it; empty: all
};

/// What a learner reports about a test set. The first of its metrics is the headline.
struct Metric {
  std::string name;  // accuracy, negative_elbo, bce, kl, squared_error
  bool higher_is_better = false;
};

/// Which outputs take part in the softmax of a sample.
enum class Head {
  kAuto,     // per task where the task is known at test, else shared
  kShared,   // all
  kGrowing,  // those of the classes seen so far
  kPerTask,  // those of the sample's task: one head a task
};

/// DataError where samples have no label (-1), for `who`, a learner that cannot do without.
void check_labels(Dataset const& data, std::string const& who);

/// Which of so many outputs take part: Batch::active with those that no task named yet, as not taking part; undefined:
/// all.
[[nodiscard]] at::Tensor active_of(Batch const& batch, std::int64_t outputs);

/// Logits [N, C] with the outputs that do not take part (Batch::active) at minus infinity.
[[nodiscard]] at::Tensor active_logits(Batch const& batch, at::Tensor const& logits);

class Learner {
 public:
  explicit Learner(at::Device device) : parameters_(device) {}
  virtual ~Learner() = default;

  [[nodiscard]] virtual std::string kind() const = 0;
  [[nodiscard]] ParameterArena& parameters() { return parameters_; }
  [[nodiscard]] ParameterArena const& parameters() const { return parameters_; }
  [[nodiscard]] virtual std::span<Phase const> phases() const;
  [[nodiscard]] virtual Head head() const { return Head::kShared; }
  /// Draws all parameters anew. ConfigError where the learner cannot.
  virtual void initialise(at::Generator& generator);
  /// Throws DataError for samples that the loss is not defined for. Default: none are.
  virtual void check(Dataset const&) const {}
  /// Throws ConfigError for the number of a task, from 0, that it has no place for. Default: none.
  virtual void check_task(std::int64_t) const {}
  /// Throws ConfigError for a stream that hides what it cannot train without. Default: none does.
  virtual void check_visibility(Visibility const&) const {}

  /// One forward pass. Noise (a VAE's) is drawn from `noise`.
  virtual Output forward(Batch const& batch, ForwardContext const& context, at::Generator& noise) = 0;
  /// Loss of every sample [N]; the reductions below and every importance are made from it.
  virtual at::Tensor per_sample_loss(Batch const& batch, Output const& output) = 0;
  /// Scalar, mean over the batch.
  virtual at::Tensor loss(Phase const& phase, Batch const& batch, Output const& output);
  /// Named parts of the loss of a forward pass, means over the batch, for the log. Default: none.
  virtual std::map<std::string, at::Tensor> loss_parts(Batch const& batch, Output const& output);

  [[nodiscard]] virtual std::span<Metric const> metrics() const = 0;
  /// Sums over the batch of each metric [metrics], float64.
  virtual at::Tensor measure(Batch const& batch, Output const& output) = 0;

  /// Gradient of the mean loss on a batch into `row` [P]; the arena's own gradient stays as it is. Evaluation mode.
  void gradient(Batch const& batch, at::Tensor const& row, at::Generator& noise, Gates const& gates = {});

  /// A learner of the same architecture with the same values: a teacher, a generator of the past.
  [[nodiscard]] virtual std::unique_ptr<Learner> snapshot() const = 0;

  /// Random views of samples [N, ...] to train on, from a stream of their own. Default: the samples as they are.
  [[nodiscard]] virtual at::Tensor views(at::Tensor const& x, RandomStreams&) const { return x; }

 protected:
  void copy_values_to(Learner& other) const;

 private:
  ParameterArena parameters_;
};

/// Abilities beside the interface.
/// Says that Output::logits are scores of classes [N, C]: their softmax is p(class | x).
class Predicts {
 public:
  virtual ~Predicts() = default;
};
class Generates {
 public:
  virtual ~Generates() = default;
  /// n samples of the model [n, ...] in [0, 1].
  virtual at::Tensor sample(std::int64_t n, at::Generator& noise) = 0;
};
class Reconstructs {
 public:
  virtual ~Reconstructs() = default;
  /// What the model makes of x [N, ...], in [0, 1].
  virtual at::Tensor reconstruct(at::Tensor const& x, at::Generator& noise) = 0;
};

struct LearnerShape {
  Shape input;  // of one sample
  std::int64_t classes = 0;
  at::Device device = at::kCPU;
};

struct LearnerRow {
  PartInfo info;
  std::unique_ptr<Learner> (*make)(LearnerShape const& shape, Json const& options, std::string const& where,
                                   at::Generator& init);
};

/// classifier, vae; `mneme list learners`.
std::span<LearnerRow const> learner_table();

}  // namespace mneme

// Variational autoencoders in columns: encoder and decoder are each a progressive net (nets/progressive.hpp), so that a
// new column of both reads the frozen ones before it. With one column the plain one is the VAE of vae.hpp, hidden layer
// for hidden layer; the strategy pnn adds a column for each further task.
//
//   encoder of column k   x -> hidden (ReLU) x layers -> (mu, log sigma^2), reading the encoders before it for the same
//   x decoder of column k   z -> hidden (ReLU) x layers -> D logits, reading the decoders before it for the same z
//
// z is the newest column's code. The conditional one reads [x, c] and [z, c] in their places, c the class as a row of
// the identity. Rusu et al. 2016, Progressive neural networks, arXiv:1606.04671, eqs. 1 and 2, applied to both nets;
// the paper has no autoencoder.
#pragma once

#include "mneme/learners/conditional.hpp"
#include "mneme/learners/elbo.hpp"
#include "mneme/nets/progressive.hpp"

namespace mneme {

struct ProgressiveVaeOptions : VaeOptions {
  std::string lateral = "adapter";
  void describe(OptionVisitor& v);
};

/// What the two have in common: nets that read `conditions` numbers beside x and z.
class VaeColumns : public ElboLearner, public Columns, public Generates {
 public:
  void initialise(at::Generator& generator) override;
  /// logits [N, D]; more: "mu", "logvar" [N, latent]. Of the selected column.
  Output forward(Batch const& batch, ForwardContext const& context, at::Generator& noise) override;

  void add_column(std::function<void(std::string, Shape)> const& append, at::Generator& generator) override;
  [[nodiscard]] std::int64_t columns() override { return encoder_->columns(); }
  void select(std::int64_t column) override;
  [[nodiscard]] std::vector<int> segments(std::int64_t column) const override;

 protected:
  VaeColumns(LearnerShape const& shape, ProgressiveVaeOptions const& options, std::int64_t conditions,
             at::Generator* init);
  /// [N, conditions] of a batch; undefined for none.
  [[nodiscard]] virtual at::Tensor told(Batch const&) const { return {}; }
  struct Code {
    at::Tensor mu, logvar, features;
  };
  [[nodiscard]] Code code(at::Tensor const& x, at::Tensor const& told, ForwardContext const& context) const;
  /// Images [n, ...] of codes [n, latent].
  [[nodiscard]] at::Tensor images(at::Tensor const& z, at::Tensor const& told) const;

  LearnerShape shape_;
  ProgressiveVaeOptions options_;

 private:
  std::unique_ptr<Progressive> encoder_, decoder_;
};

class ProgressiveVae final : public VaeColumns, public Reconstructs {
 public:
  ProgressiveVae(LearnerShape const& shape, ProgressiveVaeOptions const& options, at::Generator* init)
      : VaeColumns(shape, options, 0, init) {}

  [[nodiscard]] std::string kind() const override { return "progressive-vae"; }
  [[nodiscard]] std::unique_ptr<Learner> snapshot() const override;
  at::Tensor sample(std::int64_t n, at::Generator& noise) override;
  at::Tensor reconstruct(at::Tensor const& x, at::Generator& noise) override;
};

class ProgressiveCvae final : public VaeColumns, public OneHotConditional {
 public:
  ProgressiveCvae(LearnerShape const& shape, ProgressiveVaeOptions const& options, at::Generator* init)
      : VaeColumns(shape, options, shape.classes, init), OneHotConditional(shape.classes, shape.device) {}

  [[nodiscard]] std::string kind() const override { return "progressive-cvae"; }
  void check(Dataset const& data) const override {
    ElboLearner::check(data);
    check_labels(data, "learner 'progressive-cvae'");
  }
  [[nodiscard]] std::unique_ptr<Learner> snapshot() const override;
  /// Of classes drawn uniformly.
  at::Tensor sample(std::int64_t n, at::Generator& noise) override { return sample_any(n, noise); }

  [[nodiscard]] std::int64_t latent() const override { return options_.latent; }
  [[nodiscard]] at::Tensor decode(at::Tensor const& z, at::Tensor const& condition) const override;
  [[nodiscard]] at::Tensor encode(at::Tensor const& x, at::Tensor const& condition) const override;
  [[nodiscard]] at::Tensor reconstruct(at::Tensor const& x, at::Tensor const& labels,
                                       at::Generator& noise) const override;

 private:
  [[nodiscard]] at::Tensor told(Batch const& batch) const override { return condition(batch.y()); }
};

}  // namespace mneme

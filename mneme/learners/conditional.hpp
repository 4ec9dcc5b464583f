// Conditional: the ability of a learner that generates and reconstructs by class.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace mneme {

/// n of these classes, drawn uniformly with replacement, int64 [n].
[[nodiscard]] at::Tensor draw_classes(std::vector<std::int64_t> const& classes, std::int64_t n, at::Generator& stream,
                                      at::Device device);

class Conditional {
 public:
  virtual ~Conditional() = default;
  [[nodiscard]] virtual std::int64_t classes() const = 0;
  [[nodiscard]] virtual std::int64_t latent() const = 0;
  /// Images [n, ...] in [0, 1] of codes z [n, latent] and conditions [n, C], rows of which sum to 1; differentiable in
  /// both.
  [[nodiscard]] virtual at::Tensor decode(at::Tensor const& z, at::Tensor const& condition) const = 0;
  /// Codes [n, latent], the posterior's means, of images x [n, ...] under conditions [n, C].
  [[nodiscard]] virtual at::Tensor encode(at::Tensor const& x, at::Tensor const& condition) const = 0;
  /// Rows of the identity [n, C] for these classes, int64 [n].
  [[nodiscard]] virtual at::Tensor condition(at::Tensor const& labels) const = 0;

  /// One sample [n, ...] of each of these classes, codes drawn from N(0, I).
  [[nodiscard]] at::Tensor sample_of(at::Tensor const& labels, at::Generator& noise) const;
  /// What the model makes of images x [n, ...] of these classes: decoded from one draw of their codes.
  [[nodiscard]] virtual at::Tensor reconstruct(at::Tensor const& x, at::Tensor const& labels,
                                               at::Generator& noise) const = 0;
};

/// With the rows of an identity as conditions.
class OneHotConditional : public Conditional {
 public:
  [[nodiscard]] std::int64_t classes() const override { return identity_.size(0); }
  [[nodiscard]] at::Tensor condition(at::Tensor const& labels) const override;

 protected:
  OneHotConditional(std::int64_t classes, at::Device device);
  /// n samples [n, ...] of classes drawn uniformly.
  [[nodiscard]] at::Tensor sample_any(std::int64_t n, at::Generator& noise) const;

 private:
  at::Tensor identity_;  // float [C, C]
};

}  // namespace mneme

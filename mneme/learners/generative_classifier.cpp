#include "mneme/learners/generative_classifier.hpp"

#include <c10/util/accumulate.h>
#include <torch/types.h>

#include <cmath>

namespace mneme {

GenerativeClassifier::GenerativeClassifier(LearnerShape const& shape, GenerativeClassifierOptions const& options,
                                           at::Generator* init)
    : Learner(shape.device), shape_(shape), options_(options) {
  for (std::int64_t c = 0; c < shape.classes; ++c)
    nets_.emplace_back(parameters(), c10::multiply_integers(shape.input), options.vae,
                       "class" + std::to_string(c) + ".");
  parameters().allocate();
  if (init) initialise(*init);
  auto fixed = RandomStreams(0).fresh("generative-classifier");
  epsilon_ = options.samples == 1 ? at::zeros({1, 1, options.vae.latent}, parameters().value().options())
                                  : draw_normal({options.samples, 1, options.vae.latent}, fixed, shape.device);
}

void GenerativeClassifier::initialise(at::Generator& generator) {
  for (auto const& net : nets_) net.initialise(generator);
}

Output GenerativeClassifier::forward(Batch const& batch, ForwardContext const& context, at::Generator& noise) {
  if (context.training || at::GradMode::is_enabled()) return own_class(batch, noise);
  auto const x = batch.x.flatten(1);
  std::vector<at::Tensor> scores;
  for (auto const& net : nets_) scores.push_back(score(net, x));
  return {.logits = at::stack(scores, 1), .features = {}, .more = {}};
}

Output GenerativeClassifier::own_class(Batch const& batch, at::Generator& noise) const {
  auto const x = batch.x.flatten(1);
  auto const epsilon = draw_normal({x.size(0), options_.vae.latent}, noise, x.device());
  auto const [labels, order] = batch.y().cpu().sort(true, 0, false);  // one read of the device for all classes
  auto const counts = at::bincount(labels, {}, shape_.classes);
  std::vector<at::Tensor> pixels, mu, logvar, features;
  std::int64_t first = 0;
  for (std::size_t c = 0; c < nets_.size(); ++c) {
    auto const n = counts[static_cast<std::int64_t>(c)].item<std::int64_t>();
    if (n == 0) continue;
    auto const rows = order.narrow(0, first, n).to(x.device());
    auto const h = nets_[c].encode(x.index_select(0, rows));
    auto const code = nets_[c].code(h, epsilon.index_select(0, rows));
    pixels.push_back(nets_[c].decode(code.z));
    mu.push_back(code.mu);
    logvar.push_back(code.logvar);
    features.push_back(h);
    first += n;
  }
  auto const back = order.argsort().to(x.device());
  auto const in_order = [&](std::vector<at::Tensor> const& parts) { return at::cat(parts).index_select(0, back); };
  return {.logits = {},
          .features = in_order(features),
          .more = {{"pixels", in_order(pixels)}, {"mu", in_order(mu)}, {"logvar", in_order(logvar)}}};
}

at::Tensor GenerativeClassifier::score(VaeNet const& net, at::Tensor const& x) const {
  auto const n = x.size(0);
  auto const h = net.encode(x);
  std::vector<at::Tensor> terms;
  for (std::int64_t s = 0; s < options_.samples; ++s) {
    auto const& epsilon = epsilon_[s];
    auto const code = net.code(h, epsilon.expand({n, -1}));
    // log p(z) - log q(z|x): the constants of the two Gaussians cancel.
    auto const prior = (code.z.square() - epsilon.square() - code.logvar).sum(1) * -0.5;
    terms.push_back(prior - pixel_loss(net.decode(code.z), x));
  }
  return at::logsumexp(at::stack(terms), 0) - std::log(static_cast<double>(options_.samples));
}

at::Tensor GenerativeClassifier::per_sample_loss(Batch const& batch, Output const& output) {
  if (output.logits.defined()) return -output.logits.gather(1, batch.y().unsqueeze(1)).squeeze(1);
  VaeNet::Code const code{.mu = output.more.at("mu"), .logvar = output.more.at("logvar"), .z = {}};
  return pixel_loss(output.more.at("pixels"), batch.x.flatten(1)) + standard_kl(code);
}

std::span<Metric const> GenerativeClassifier::metrics() const {
  static std::vector<Metric> const list = {{"accuracy", true}, {"negative_log_likelihood", false}};
  return list;
}

at::Tensor GenerativeClassifier::measure(Batch const& batch, Output const& output) {
  auto const hits = active_logits(batch, output.logits).argmax(1).eq(batch.y()).sum();
  return at::stack({hits.to(at::kDouble), per_sample_loss(batch, output).sum().to(at::kDouble)});
}

std::unique_ptr<Learner> GenerativeClassifier::snapshot() const {
  auto copy = std::make_unique<GenerativeClassifier>(shape_, options_, nullptr);
  copy_values_to(*copy);
  return copy;
}

}  // namespace mneme

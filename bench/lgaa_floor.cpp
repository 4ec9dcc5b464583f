#include <torch/types.h>

#include <cmath>

#include "floor.hpp"
#include "subject.hpp"

namespace mneme::bench {
namespace {

using Net = std::vector<std::unique_ptr<LayerFloor>>;
constexpr std::int64_t kLatent = 32, kClasses = 10, kDomains = 2;
constexpr ConvShape kHalve{.kernel = 4, .stride = 2, .padding = 1};
constexpr ConvShape kDouble{.kernel = 4, .stride = 2, .padding = 1, .transposed = true};
constexpr ConvShape kKeep{.kernel = 5, .stride = 1, .padding = 2};

/// What critic, encoder and domain net begin with, and what follows it.
Net trunk(std::int64_t batch, std::int64_t w, std::vector<std::int64_t> const& outputs) {
  Net net;
  net.push_back(conv_floor(batch, 1, 4 * w, 28, true, kHalve));
  net.push_back(conv_floor(batch, 4 * w, 8 * w, 14, false, kHalve));
  net.push_back(linear_floor(batch, 8 * w * 49, 64 * w));
  auto in = 64 * w;
  for (auto const out : outputs) {
    net.push_back(linear_floor(batch, in, out));
    in = out;
  }
  return net;
}

Net generator(std::int64_t batch, std::int64_t w) {
  Net net;
  net.push_back(linear_floor(batch, kLatent + kClasses + kDomains, 64 * w));
  net.push_back(linear_floor(batch, 64 * w, 8 * w * 49));
  net.push_back(conv_floor(batch, 8 * w, 4 * w, 7, false, kDouble));
  net.push_back(conv_floor(batch, 4 * w, 1, 14, false, kDouble));
  return net;
}

Net category(std::int64_t batch, std::int64_t w) {
  Net net;
  net.push_back(conv_floor(batch, 1, 2 * w, 28, true, kKeep));
  net.push_back(conv_floor(batch, 2 * w, 4 * w, 14, false, kKeep));
  net.push_back(linear_floor(batch, 4 * w * 49, 64 * w));
  net.push_back(linear_floor(batch, 64 * w, kClasses));
  return net;
}

void forward(Net const& net) {
  for (auto const& layer : net) layer->forward();
}
void backward(Net const& net) {
  for (auto layer = net.rbegin(); layer != net.rend(); ++layer) (*layer)->backward();
}
void backward_input(Net const& net) {
  for (auto layer = net.rbegin(); layer != net.rend(); ++layer) (*layer)->backward_input();
}

}  // namespace

LgaaFloor::LgaaFloor(std::int64_t batch, double width)
    : wide_(std::llround(16 * width)),
      generator_(mneme::bench::generator(batch, wide_)),
      critic_(trunk(batch, wide_, {1})),
      both_(trunk(2 * batch, wide_, {1})),
      encoder_(trunk(batch, wide_, {64, 2 * kLatent})),
      category_(category(batch, wide_)),
      domain_(trunk(batch, wide_, {64, kDomains})),
      critic_adam_(trained_parameters(width, "critic")),
      generator_adam_(trained_parameters(width, "generator")),
      inference_adam_(trained_parameters(width, "inference")) {}

void LgaaFloor::critic() const {
  at::NoGradGuard const no_grad;
  forward(generator_);
  forward(both_);
  backward(both_);
  forward(critic_);
  backward_input(critic_);
  forward(critic_);
  backward(critic_);
  critic_adam_.step();
}

void LgaaFloor::generator() const {
  at::NoGradGuard const no_grad;
  forward(generator_);
  for (auto const* net : {&critic_, &category_, &domain_}) {
    forward(*net);
    backward_input(*net);
  }
  backward(generator_);
  generator_adam_.step();
}

void LgaaFloor::inference() const {
  at::NoGradGuard const no_grad;
  for (auto const* net : {&encoder_, &category_, &domain_, &generator_}) {
    forward(*net);
    backward(*net);
  }
  inference_adam_.step();
}

}  // namespace mneme::bench

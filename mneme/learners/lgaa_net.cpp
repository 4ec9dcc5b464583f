#include "mneme/learners/lgaa_net.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

using Act = Stack::Act;
using Norm = Stack::Norm;

/// The sizes that the nets are built from.
struct Sizes {
  Sizes(LearnerShape const& shape, LgaaNetOptions const& options) : o(options) {
    if (shape.input.size() != 3)
      throw ConfigError("learner 'lgaa' is for images [channels, height, width]; these samples have " +
                        std::to_string(shape.input.size()) + " dimension(s). Use the learner 'vae', or image data");
    channels = shape.input[0];
    height = shape.input[1];
    breadth = shape.input[2];
    if (height < 4 || breadth < 4)
      throw ConfigError("learner 'lgaa' halves images twice, so their sides must be 4 at least; found " +
                        std::to_string(height) + " x " + std::to_string(breadth) + ". Pad the images");
  }
  [[nodiscard]] std::int64_t wide(std::int64_t units) const {
    return std::max<std::int64_t>(1, std::llround(static_cast<double>(units) * o.width));
  }
  /// A side after two convolutions 4x4 of stride 2 and padding 1.
  static std::int64_t down(std::int64_t side) { return side / 2 / 2; }
  static std::int64_t up(std::int64_t side) { return (side + 3) / 4; }

  [[nodiscard]] Norm norm() const { return o.norm ? Norm::kBatch : Norm::kNone; }
  [[nodiscard]] bool deep() const { return o.networks == "lgaa"; }
  /// A side after four convolutions 3x3 of stride 2 and padding 1.
  static std::int64_t deep_down(std::int64_t side) { return (side + 15) / 16; }

  LgaaNetOptions const& o;
  std::int64_t channels, height, breadth;
};

/// The convolutions that critic, encoder and domain net begin with.
void trunk(Stack& stack, Sizes const& s, Norm norm) {
  if (s.deep()) {
    Stack::Options const hidden{.norm = norm, .act = Act::kLeaky};
    stack.conv(s.channels, s.wide(64), 3, 2, 1, {.act = Act::kLeaky})
        .conv(s.wide(64), s.wide(128), 3, 2, 1, hidden)
        .conv(s.wide(128), s.wide(256), 3, 2, 1, hidden)
        .conv(s.wide(256), s.wide(512), 3, 2, 1, hidden)
        .linear(s.wide(512) * Sizes::deep_down(s.height) * Sizes::deep_down(s.breadth), s.wide(1024),
                {.act = Act::kLeaky});
    return;
  }
  auto const flat = s.wide(128) * Sizes::down(s.height) * Sizes::down(s.breadth);
  stack.conv(s.channels, s.wide(64), 4, 2, 1, {.act = Act::kLeaky})
      .conv(s.wide(64), s.wide(128), 4, 2, 1, {.norm = norm, .act = Act::kLeaky})
      .linear(flat, s.wide(1024), {.norm = norm, .act = Act::kLeaky});
}

/// From the trunk to `out` numbers; those of 2020 go by 64.
Stack narrowed(Stack stack, Sizes const& s, std::int64_t out, Norm norm) {
  if (s.deep()) return stack.linear(s.wide(1024), out, {});
  return stack.linear(s.wide(1024), 64, {.norm = norm, .act = Act::kLeaky}).linear(64, out, {});
}

Stack generator_of(ParameterArena& arena, Sizes const& s, std::int64_t codes) {
  auto const h = Sizes::up(s.height), b = Sizes::up(s.breadth);
  Stack::Options const hidden{.norm = s.norm(), .act = Act::kRelu};
  Stack stack(arena, "generator");
  if (s.deep()) {
    auto const maps = s.wide(256);
    stack.linear(codes, maps * h * b, hidden).maps(maps, h, b);
    for (std::int64_t const stride : {2, 1, 2, 1}) stack.transposed(maps, maps, 3, stride, 1, hidden);
    stack.transposed(maps, s.channels, 3, 1, 1, {.act = Act::kSigmoid});
    return stack;
  }
  stack.linear(codes, s.wide(1024), hidden)
      .linear(s.wide(1024), s.wide(128) * h * b, hidden)
      .maps(s.wide(128), h, b)
      .transposed(s.wide(128), s.wide(64), 4, 2, 1, hidden)
      .transposed(s.wide(64), s.channels, 4, 2, 1, {.act = Act::kSigmoid});
  return stack;
}

Stack critic_of(ParameterArena& arena, Sizes const& s) {
  Stack stack(arena, "critic");
  bool const layer = s.o.critic_norm == "layer", batch = s.o.critic_norm == "batch";
  trunk(stack, s, layer ? Norm::kLayer : batch ? Norm::kBatch : Norm::kNone);
  stack.linear(s.wide(1024), 1, {});
  return stack;
}

Stack encoder_of(ParameterArena& arena, Sizes const& s) {
  Stack stack(arena, "encoder");
  trunk(stack, s, s.norm());
  return narrowed(stack, s, 2 * s.o.latent, s.norm());
}

Stack category_of(ParameterArena& arena, Sizes const& s, std::int64_t classes) {
  Stack::Options const hidden{.norm = s.norm(), .act = Act::kRelu};
  Stack stack(arena, "category");
  stack.conv(s.channels, s.wide(32), 5, 1, 2, hidden)
      .pool()
      .conv(s.wide(32), s.wide(64), 5, 1, 2, hidden)
      .pool()
      .linear(s.wide(64) * Sizes::down(s.height) * Sizes::down(s.breadth), s.wide(1024), hidden)
      .dropout(s.o.dropout)
      .linear(s.wide(1024), classes, {});
  return stack;
}

Stack domain_of(ParameterArena& arena, Sizes const& s) {
  Stack stack(arena, "domain");
  if (s.o.domain_from == "image") {
    trunk(stack, s, Norm::kNone);
    return narrowed(stack, s, s.o.domains, Norm::kNone);
  }
  stack.linear(s.o.latent, 200, {.act = Act::kLeaky})
      .linear(200, 100, {.act = Act::kLeaky})
      .linear(100, s.o.domains, {});
  return stack;
}

}  // namespace

void LgaaNetOptions::describe(OptionVisitor& v) {
  v.field(
      "networks", networks,
      {.help =
           "those for 28 x 28 of the authors' L-VAEGAN code (2020), or the larger ones for 32 x 32 x 3 of their LGAA "
           "code (2024), for a GPU",
       .choices = {"l-vaegan", "lgaa"}});
  v.field("width", width, {.help = "factor of the nets' widths", .above = 0, .max = 8});
  v.field("latent", latent, {.help = "dimensions of the continuous code z", .min = 1});
  v.field("domains", domains, {.help = "length of the domain code a: the largest number of tasks", .min = 1});
  v.field("norm", norm, {.help = "batch normalisation in generator, encoder and category net"});
  v.field("critic_norm", critic_norm,
          {.help = "normalisation in the critic. none; layer: over each image's own values; batch: as in the released "
                   "code, so that the gradient penalty is no longer of each image by itself",
           .choices = {"none", "layer", "batch"}});
  v.field("dropout", dropout, {.help = "share that dropout takes from the category net", .min = 0, .below = 1});
  v.field("domain_from", domain_from,
          {.help = "what the domain is inferred from: the image, or its code z", .choices = {"image", "code"}});
}

LgaaNet::LgaaNet(ParameterArena& arena, LearnerShape const& shape, LgaaNetOptions const& options)
    : generator(generator_of(arena, Sizes(shape, options), options.latent + shape.classes + options.domains)),
      critic(critic_of(arena, Sizes(shape, options))),
      encoder(encoder_of(arena, Sizes(shape, options))),
      category(category_of(arena, Sizes(shape, options), shape.classes)),
      domain(domain_of(arena, Sizes(shape, options))),
      domain_of_image(options.domain_from == "image"),
      latent_(options.latent),
      height_(shape.input[1]),
      width_(shape.input[2]) {}

void LgaaNet::initialise(at::Generator& noise) const {
  for (auto const* stack : {&generator, &critic, &encoder, &category, &domain}) stack->initialise(noise);
}

at::Tensor LgaaNet::generate(at::Tensor const& z, at::Tensor const& u, at::Tensor const& a, Pass const& pass) const {
  auto const images = generator.forward(at::cat({z, u, a}, 1), pass);
  if (images.size(2) == height_ && images.size(3) == width_) return images;
  return images.narrow(2, 0, height_).narrow(3, 0, width_);
}

LgaaNet::Gaussian LgaaNet::encode(at::Tensor const& x, Pass const& pass) const {
  auto const code = encoder.forward(x, pass);
  return {.mu = code.narrow(1, 0, latent_), .logvar = code.narrow(1, latent_, latent_)};
}

at::Tensor LgaaNet::domains(at::Tensor const& x, at::Tensor const& z, Pass const& pass) const {
  return domain.forward(domain_of_image ? x : z, pass);
}

}  // namespace mneme

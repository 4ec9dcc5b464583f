#include "mneme/learners/cvae_net.hpp"

#include <c10/util/accumulate.h>
#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/core/extents.hpp"
#include "mneme/nets/conv_transpose.hpp"

namespace mneme {
namespace {

/// The two layers that give the code.
struct CodeLayers {
  CodeLayers(ParameterArena& arena, std::int64_t inputs, std::int64_t latent)
      : mu(arena, "encoder.mu", inputs, latent), logvar(arena, "encoder.logvar", inputs, latent) {}
  Linear mu, logvar;
};

class MlpNet final : public CvaeNet {
 public:
  MlpNet(ParameterArena& arena, LearnerShape const& shape, CvaeOptions const& o)
      : pixels_(c10::multiply_integers(shape.input)),
        fc1_(arena, "encoder.fc1", pixels_ + shape.classes, o.hidden, Activation::kRelu),
        fc2_(arena, "encoder.fc2", o.hidden, o.hidden / 2, Activation::kRelu),
        code_(arena, o.hidden / 2, o.latent),
        back1_(arena, "decoder.fc1", o.latent + shape.classes, o.hidden / 2, Activation::kRelu),
        back2_(arena, "decoder.fc2", o.hidden / 2, o.hidden, Activation::kRelu),
        out_(arena, "decoder.pixels", o.hidden, pixels_) {}

  void initialise(at::Generator& generator) override {
    for (auto const* layer : {&fc1_, &fc2_, &code_.mu, &code_.logvar, &back1_, &back2_, &out_})
      layer->initialise(generator);
  }
  [[nodiscard]] at::Tensor hidden(at::Tensor const& x, at::Tensor const& c) const override {
    return fc2_.forward(fc1_.forward(at::cat({x.flatten(1), c}, 1)));
  }
  [[nodiscard]] std::pair<at::Tensor, at::Tensor> code(at::Tensor const& hidden) const override {
    return {code_.mu.forward(hidden), code_.logvar.forward(hidden)};
  }
  [[nodiscard]] at::Tensor decode(at::Tensor const& z, at::Tensor const& c) const override {
    return out_.forward(back2_.forward(back1_.forward(at::cat({z, c}, 1))));
  }

 private:
  std::int64_t pixels_;
  Linear fc1_, fc2_;
  CodeLayers code_;
  Linear back1_, back2_, out_;
};

class ConvNet final : public CvaeNet {
 public:
  ConvNet(ParameterArena& arena, LearnerShape const& shape, CvaeOptions const& o)
      : classes_(shape.classes),
        width_(o.width),
        height_(shape.input.at(1) / 4),
        breadth_(shape.input.at(2) / 4),
        conv1_(arena, "encoder.conv1", shape.input.at(0) + classes_, o.width / 2, 4, 2, 1, Activation::kRelu),
        conv2_(arena, "encoder.conv2", o.width / 2, o.width, 4, 2, 1, Activation::kRelu),
        code_(arena, o.width * height_ * breadth_, o.latent),
        fc_(arena, "decoder.fc", o.latent + classes_, o.width * height_ * breadth_),
        back1_(arena, "decoder.conv1", o.width, o.width / 2, 4, 2, 1, Activation::kRelu),
        back2_(arena, "decoder.conv2", o.width / 2, shape.input.at(0), 4, 2, 1) {}

  void initialise(at::Generator& generator) override {
    conv1_.initialise(generator);
    conv2_.initialise(generator);
    for (auto const* layer : {&code_.mu, &code_.logvar, &fc_}) layer->initialise(generator);
    back1_.initialise(generator);
    back2_.initialise(generator);
  }
  [[nodiscard]] at::Tensor hidden(at::Tensor const& x, at::Tensor const& c) const override {
    auto const maps = c.view({c.size(0), classes_, 1, 1}).expand({-1, -1, x.size(2), x.size(3)});
    return conv2_.forward(conv1_.forward(at::cat({x, maps}, 1))).flatten(1);
  }
  [[nodiscard]] std::pair<at::Tensor, at::Tensor> code(at::Tensor const& hidden) const override {
    return {code_.mu.forward(hidden), code_.logvar.forward(hidden)};
  }
  [[nodiscard]] at::Tensor decode(at::Tensor const& z, at::Tensor const& c) const override {
    auto const maps = fc_.forward(at::cat({z, c}, 1)).view({-1, width_, height_, breadth_});
    return back2_.forward(back1_.forward(maps)).flatten(1);
  }

 private:
  std::int64_t classes_, width_, height_, breadth_;
  Conv2d conv1_, conv2_;
  CodeLayers code_;
  Linear fc_;
  ConvTranspose2d back1_, back2_;
};

}  // namespace

void CvaeOptions::describe(OptionVisitor& v) {
  v.field("architecture", architecture, {.help = "fully connected, or convolutional", .choices = {"mlp", "conv"}});
  v.field("latent", latent, {.help = "dimensions of the code z", .min = 1});
  v.field("hidden", hidden,
          {.help = "mlp: width of the hidden layer at the pixels; the inner one has half", .unit = "units", .min = 2});
  v.field("width", width, {.help = "conv: maps of the inner convolution; the outer one has half", .min = 2});
  v.field("beta", beta, {.help = "weight of KL in the loss", .min = 0});
  v.field("scale", scale,
          {.help = "the loss of a batch: the mean over its samples, or their sum", .choices = {"mean", "sum"}});
}

std::unique_ptr<CvaeNet> make_cvae_net(ParameterArena& arena, LearnerShape const& shape, CvaeOptions const& options) {
  if (options.architecture == "mlp") return std::make_unique<MlpNet>(arena, shape, options);
  if (shape.input.size() != 3 || shape.input[1] % 4 != 0 || shape.input[2] % 4 != 0)
    throw ConfigError(
        "learner 'cvae': the net 'conv' halves images twice, so their sides must be multiples of 4; found " +
        extents_text(shape.input) + ". Use architecture = \"mlp\", or pad the images");
  return std::make_unique<ConvNet>(arena, shape, options);
}

}  // namespace mneme

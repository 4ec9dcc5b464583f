// The options of the Lifelong Generative Adversarial Autoencoder; its nets' are in lgaa_net.cpp.
#include "mneme/core/errors.hpp"
#include "mneme/learners/lgaa.hpp"

namespace mneme {

void LgaaOptions::describe(OptionVisitor& v) {
  head.describe(v);
  net.describe(v);
  v.field("model", model,
          {.help = "lgaa: all phases; vae: the inference phase alone; gan: critic, generator and a classifier, nothing "
                   "reconstructs",
           .choices = {"lgaa", "vae", "gan"}});
  v.field("phase_schedule", phase_schedule,
          {.help = "interleaved: all phases in every step; alternating: critic and generator in the first, third, ... "
                   "epoch of an event, inference in the others",
           .choices = {"interleaved", "alternating"}});
  v.field("mode", mode,
          {.help = "labels of the training data: all needed; -1 where there is none; or never read",
           .choices = {"supervised", "semi-supervised", "unsupervised"}});
  v.field("penalty", penalty,
          {.help = "weight of the critic's gradient penalty", .min = 0, .source = "Gulrajani et al. 2017: 10"});
  v.field("regression", regression,
          {.help = "generator: weight of the cross-entropies of q(u|x') and q(a|x') with the codes that x' was drawn "
                   "with; 0: none, as in the released code",
           .min = 0});
  v.field("kl", kl, {.help = "inference: weight of KL(q(z|x) || N(0, I))", .min = 0});
  v.field("kl_category", kl_category, {.help = "inference: weight of KL(q(u|x) || uniform)", .min = 0});
  v.field("kl_domain", kl_domain, {.help = "inference: weight of KL(q(a|x) || uniform)", .min = 0});
  v.field("kl_known", kl_known, {.help = "these two also of rows whose code is known, as in the released code"});
  v.field("category", category, {.help = "inference: weight of CE(q(u|x), label); 0: without", .min = 0});
  v.field("domain", domain, {.help = "inference: weight of CE(q(a|x), task); 0: without", .min = 0});
  v.field("dreaming", dreaming,
          {.help = "inference: weight of regressing the codes of freshly drawn images; 0: none", .min = 0});
  v.field("codes", codes,
          {.help = "inference: the u and a that are reconstructed from. known: the row's own where it has them, else "
                   "samples of q(u|x), q(a|x); inferred: always samples, as in the released code",
           .choices = {"known", "inferred"}});
  v.field("prior", prior,
          {.help = "what z is drawn from for images. normal: N(0, I); uniform: in [-1, 1], as in the released code for "
                   "MNIST, where the KL term stays that with N(0, I)",
           .choices = {"normal", "uniform"}});
  v.field("temperature", temperature,
          {.help = "of the Gumbel-softmax samples of u and a", .above = 0, .source = "the released code: 0.5"});
  v.field(
      "adversarial_optimizer", adversarial_optimizer,
      {.help = "update rule in critic and generator phase. train: that of train.optimizer; the released code: rmsprop",
       .choices = {"train", "adam", "rmsprop"}});
  v.field("beta1", beta1, {.help = "decay of Adam's first moment in these two phases", .min = 0, .below = 1});
  v.field("beta2", beta2, {.help = "of the second moment, RMSprop's too", .min = 0, .below = 1});
  v.field("critic_steps", critic_steps,
          {.help = "how often the critic's phase trains for each of the others, with noise of its own each time",
           .min = 1,
           .max = 100,
           .source = "Gulrajani et al. 2017: 5"});
  v.field("critic_rate", critic_rate, {.help = "factor of the learning rate in the critic phase", .above = 0});
  v.field("generator_rate", generator_rate, {.help = "in the generator phase", .above = 0});
  v.field("inference_rate", inference_rate, {.help = "in the inference phase", .above = 0});
  v.field("least_spread", least_spread,
          {.help = "the run stops where drawn images differ among themselves less than this share of how much real "
                   "ones do",
           .min = 0});
  v.field("collapse_lines", collapse_lines,
          {.help = "on so many logged steps in a row; 0: it never stops for that", .min = 0});
}

void LgaaOptions::check() const {
  LgaaOptions const usual;
  bool const vae = model == "vae", gan = model == "gan";
  auto const refuse = [](bool wrong, char const* problem) {
    if (wrong) throw ConfigError(std::string("learner.") + problem);
  };
  refuse(vae && phase_schedule != "interleaved",
         "phase_schedule: \"alternating\" needs other phases beside inference, and model \"vae\" has none; use "
         "\"interleaved\"");
  struct Setting {
    char const* name;
    bool changed;
  };
  auto const refuse_unread = [](std::initializer_list<Setting> settings, char const* why) {
    for (auto const& one : settings)
      if (one.changed) throw ConfigError("learner." + std::string(one.name) + ": " + why + "; leave it out");
  };
  if (vae)
    refuse_unread({{"critic_norm", net.critic_norm != usual.net.critic_norm},
                   {"adversarial_optimizer", adversarial_optimizer != usual.adversarial_optimizer},
                   {"penalty", penalty != usual.penalty},
                   {"regression", regression != usual.regression},
                   {"beta1", beta1 != usual.beta1},
                   {"beta2", beta2 != usual.beta2},
                   {"critic_steps", critic_steps != usual.critic_steps},
                   {"critic_rate", critic_rate != usual.critic_rate},
                   {"generator_rate", generator_rate != usual.generator_rate},
                   {"least_spread", least_spread != usual.least_spread},
                   {"collapse_lines", collapse_lines != usual.collapse_lines}},
                  "of the critic's or the generator's phase, which model \"vae\" does not have");
  if (gan)
    refuse_unread({{"kl", kl != usual.kl},
                   {"kl_category", kl_category != usual.kl_category},
                   {"kl_domain", kl_domain != usual.kl_domain},
                   {"kl_known", kl_known != usual.kl_known},
                   {"codes", codes != usual.codes},
                   {"temperature", temperature != usual.temperature}},
                  "of the encoder's loss, which model \"gan\" does not have");
  refuse(gan && mode == "unsupervised",
         "mode: \"unsupervised\" has no term that trains q(u|x) in model \"gan\"; use another model, or labels");
  // Without a term of its own a net answers as it was drawn, and the generator would be taught by it.
  bool const own_terms = gan || (codes == "known" && !kl_known && dreaming == 0);
  refuse(own_terms && category == 0 && mode == "supervised",
         "category: with 0 nothing trains q(u|x), since every row's category is known; set codes = \"inferred\" and "
         "kl_known = true, which train it without labels, or dreaming above 0 (neither with model \"gan\")");
  refuse(own_terms && domain == 0,
         "domain: with 0 nothing trains q(a|x), since every row's domain is known; set codes = \"inferred\" and "
         "kl_known = true, which train it without being told, or dreaming above 0 (neither with model \"gan\")");
  refuse(gan && dreaming > 0, "dreaming: needs the encoder, which model \"gan\" does not train; set it to 0");
  refuse(gan && net.domain_from == "code",
         "domain_from: \"code\" needs the encoder, which model \"gan\" does not train; use \"image\"");
  refuse(kl_domain != usual.kl_domain && !kl_known,
         "kl_domain: a row's domain is always known, and the KL of a known code is no part of the loss; set kl_known = "
         "true, or leave it out");
  refuse(kl_category != usual.kl_category && !kl_known && mode == "supervised",
         "kl_category: in supervised mode every row's category is known, and the KL of a known code is no part of the "
         "loss; set kl_known = true, or leave it out");
  refuse(
      temperature != usual.temperature && codes == "known" && mode == "supervised",
      "temperature: in supervised mode with codes = \"known\" nothing is sampled; use codes = \"inferred\", or leave "
      "it out");
  refuse(category != usual.category && mode == "unsupervised",
         "category: weight of a cross-entropy with labels, which mode \"unsupervised\" does not read; leave it out");
  refuse(beta1 != usual.beta1 && adversarial_optimizer == "rmsprop",
         "beta1: RMSprop has no first moment; leave it out");
}

}  // namespace mneme

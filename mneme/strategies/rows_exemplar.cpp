#include "mneme/strategies/a_gem.hpp"
#include "mneme/strategies/bic.hpp"
#include "mneme/strategies/gdumb.hpp"
#include "mneme/strategies/gem.hpp"
#include "mneme/strategies/icarl.hpp"
#include "mneme/strategies/rows.hpp"
#include "mneme/strategies/scr.hpp"

namespace mneme {
namespace {

/// floor(M / C) exemplars of each class: samples with their labels and tasks.
std::int64_t exemplar_bytes(Json const& options, MemoryShape const& m) {
  return options.at("memory").get<std::int64_t>() / m.classes * m.classes * (m.sample_bytes + 16);
}
std::int64_t exemplar_and_mean_bytes(Json const& options, MemoryShape const& m) {
  return exemplar_bytes(options, m) + NearestMean::bytes(m.classes, m.features);
}
std::int64_t buffer_and_mean_bytes(Json const& options, MemoryShape const& m) {
  return buffer_bytes(options, m) + NearestMean::bytes(m.classes, m.features);
}

}  // namespace

std::vector<StrategyRow> exemplar_rows() {
  return {
      {.info = {.name = "a-gem",
                .aliases = {"agem"},
                .summary = "takes out of the gradient what would raise the loss on stored samples, on average",
                .equation = "g <- g - (g.r / r.r) r if g.r < 0, r = gradient on B_m stored samples",
                .paper = "Chaudhry et al. 2019, Efficient lifelong learning with A-GEM, ICLR, arXiv:1812.00420, eq. 11",
                .differences = "fill = step: the memory also holds samples of the current task (A-GEM-R); nothing is "
                               "projected during the first event",
                .options = list_options<AGemOptions>},
       .make = make_strategy<AGem, AGemOptions>,
       .needs = AGem(AGemOptions()).needs(),
       .toy = {{"memory", 12}, {"batch", 6}},
       .as_naive = {{"memory", 0}},
       .memory = "M (d + 24)",
       .bytes = buffer_bytes,
       .claims = {{.scenario = "task", .options = {{"memory", 500}}, .margin = 5}}},
      {.info = {.name = "gem",
                .summary = "takes the nearest gradient that raises the loss of no past task on its stored samples",
                .equation = "g <- g + G'v, v = argmin 1/2 v'(GG' + ridge I)v + (Gg)'v, v >= strength; rows of G: "
                            "gradients on the past tasks",
                .paper = "Lopez-Paz and Ranzato 2017, Gradient episodic memory for continual learning, NeurIPS, "
                         "arXiv:1706.08840, eqs. 8 to 12",
                .differences = "the memory is shared by the tasks seen so far, unless per_task gives each its own",
                .options = list_options<GemOptions>},
       .make = make_strategy<Gem, GemOptions>,
       .needs = Gem(GemOptions()).needs(),
       .toy = {{"memory", 12}},
       .as_naive = {{"memory", 0}},
       .memory = "M (d + 24)",
       .bytes = buffer_bytes,
       .claims = {{.scenario = "domain", .options = {{"memory", 500}}, .margin = 10}}},
      {.info = {.name = "gdumb",
                .summary = "stores as many samples of each class, and trains on them from scratch before every test",
                .equation = "theta drawn anew; L = mean of CE over M stored samples, M / classes of each class",
                .paper = "Prabhu et al. 2020, GDumb: a simple approach that questions our progress in continual "
                         "learning, ECCV, alg. 1 and sec. 3",
                .differences = "the run's optimizer and schedule; no CutMix",
                .options = list_options<GdumbOptions>},
       .make = make_strategy<Gdumb, GdumbOptions>,
       .needs = Gdumb(GdumbOptions()).needs(),
       .toy = {{"memory", 12}, {"epochs", 2}},
       .never_naive = "what is tested is trained on the memory alone, never on the stream",
       .memory = "M (d + 24)",
       .bytes = buffer_bytes,
       .claims = {{.scenario = "class", .options = {{"memory", 500}, {"epochs", 20}}, .margin = 30}}},
      {.info = {.name = "icarl",
                .summary = "exemplars by herding, old outputs held by a teacher, the nearest mean of exemplars answers",
                .equation = "L = mean over N samples, K classes of BCE(sigmoid f_c, [c = y] or teacher's sigmoid f_c); "
                            "argmin_c || phi(x) - mu_c ||",
                .paper = "Rebuffi et al. 2017, iCaRL: incremental classifier and representation learning, CVPR, "
                         "arXiv:1611.07725, alg. 1 to 5",
                .differences = "the loss is a mean over outputs, as in the authors' code; a class that comes again is "
                               "taught its labels; no augmentation",
                .options = list_options<IcarlOptions>},
       .make = make_strategy<Icarl, IcarlOptions>,
       .needs = Icarl(IcarlOptions()).needs(),
       .toy = {{"memory", 12}},
       .never_naive = "its loss is a binary cross-entropy of each output, and means of features answer",
       .memory = "C floor(M / C) (d + 16) + C (4 D + 8); while training 4 P more",
       .bytes = exemplar_and_mean_bytes,
       .claims = {{.scenario = "class", .options = {{"memory", 500}}, .margin = 30}}},
      {.info = {.name = "bic",
                .summary =
                    "exemplars and distillation, then two numbers that correct the outputs of the newest classes",
                .equation = "L = lambda KD + (1 - lambda) CE, lambda = n_old / (n_old + n_new); then f_c <- a f_c + b "
                            "for new c, fitted by CE on held-out samples",
                .paper = "Wu et al. 2019, Large scale incremental learning, CVPR, arXiv:1905.13260, eqs. 1 to 5",
                .differences =
                    "a and b are solved for by Newton's method, with a small ridge; a class that comes again "
                    "counts as new",
                .options = list_options<BicOptions>},
       .make = make_strategy<Bic, BicOptions>,
       .needs = Bic(BicOptions()).needs(),
       .toy = {{"memory", 12}},
       .as_naive = {{"memory", 0}, {"lambda", 0.0}},
       .memory = "C floor(M / C) (d + 16); while training 4 P more",
       .bytes = exemplar_bytes,
       .claims = {{.scenario = "class", .options = {{"memory", 500}}, .margin = 30}}},
      {.info = {.name = "scr",
                .summary = "draws features of a class together over two views of new and stored samples; the nearest "
                           "mean answers",
                .equation = "L = mean_i of -1/|P(i)| sum_p log(e^(z_i.z_p/tau) / sum_a e^(z_i.z_a/tau)); argmin_c || "
                            "phi(x) - mu_c ||",
                .paper = "Mai et al. 2021, Supervised contrastive replay, CVPR workshop on continual learning, "
                         "arXiv:2103.13885",
                .differences = "no projection head of its own; views are shifts and mirror images; no review before a "
                               "test",
                .options = list_options<ScrOptions>},
       .make = make_strategy<Scr, ScrOptions>,
       .needs = Scr(ScrOptions()).needs(),
       .toy = {{"memory", 12}, {"batch", 6}},
       .never_naive = "its loss has no part of the learner's, and means of features answer",
       .memory = "M (d + 24) + C (4 D + 8)",
       .bytes = buffer_and_mean_bytes,
       .claims = {{.scenario = "class", .options = {{"memory", 500}}, .margin = 30}}},
  };
}

}  // namespace mneme

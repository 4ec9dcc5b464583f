#include "mneme/strategies/cope.hpp"
#include "mneme/strategies/fetril.hpp"
#include "mneme/strategies/frozen_backbone.hpp"
#include "mneme/strategies/lucir.hpp"
#include "mneme/strategies/rows.hpp"
#include "mneme/strategies/slda.hpp"

namespace mneme {
namespace {

std::unique_ptr<Strategy> make_frozen_backbone(Json const& options, std::string const& where) {
  read_options<NoOptions>(options, where, {"kind"});
  return std::make_unique<FrozenBackbone>();
}

}  // namespace

std::vector<StrategyRow> prototype_rows() {
  return {
      {.info = {.name = "frozen-backbone",
                .aliases = {"linear-probe"},
                .summary = "after the first event only the output layer is trained: a reference",
                .equation = "L = L_t, over the output layer alone from the second event on",
                .options = list_options<NoOptions>},
       .make = make_frozen_backbone,
       .needs = FrozenBackbone().needs(),
       .never_naive = "after the first event all but the output layer stays as it is",
       .claims = {{.scenario = "task", .margin = 5, .fails = true}}},
      {.info = {.name = "slda",
                .aliases = {"deep-slda"},
                .summary = "streaming linear discriminant analysis on the features of a frozen net",
                .equation = "score_c = phi.w_c - mu_c.w_c / 2,   w_c = [(1 - s) Sigma + s I]^-1 mu_c;   Sigma <- (n "
                            "Sigma + (n/(n+1)) d d')/(n+1),   mu_y <- mu_y + d/(n_y+1),   d = phi - mu_y",
                .paper = "Hayes and Kanan 2020, Lifelong machine learning with deep streaming linear discriminant "
                         "analysis, CVPR workshops, arXiv:1909.01520",
                .differences = "the net is trained on the first event instead of on ImageNet; the first event's "
                               "statistics come from the same recursion",
                .options = list_options<SldaOptions>},
       .make = make_strategy<Slda, SldaOptions>,
       .needs = Slda(SldaOptions()).needs(),
       .never_naive = "after the first event no weight is trained",
       .memory = "8 (D^2 + C D + C)",
       .bytes = [](Json const&,
                   MemoryShape const& m) { return 8 * (m.features * m.features + m.classes * m.features + m.classes); },
       .claims = {{.scenario = "class", .margin = 20}}},
      {.info = {.name = "fetril",
                .summary = "a frozen net; features of new classes moved to the means of old ones keep the output layer",
                .equation = "L = mean of CE over phi(x) and phi(x) - mu_n(c) + mu_c for old classes c,   n(c) = argmax "
                            "over new n of cos(mu_n, mu_c)",
                .paper = "Petit et al. 2023, FeTrIL: feature translation for exemplar-free class-incremental learning, "
                         "WACV, arXiv:2211.13131",
                .differences = "pseudo-features are made batch by batch; the classifier is the net's output layer",
                .options = list_options<FetrilOptions>},
       .make = make_strategy<Fetril, FetrilOptions>,
       .needs = Fetril(FetrilOptions()).needs(),
       .never_naive = "after the first event all but the output layer stays as it is",
       .memory = "8 (C D + C)",
       .bytes = [](Json const&, MemoryShape const& m) { return 8 * (m.classes * m.features + m.classes); },
       .claims = {{.scenario = "class", .margin = 10}}},
      {.info = {.name = "cope",
                .summary = "continual prototype evolution: class prototypes that move with their batches",
                .equation = "L = -(1/B) sum_i [log mean_q P(c|f_i; q) + sum_{y_j != c} log(1 - mean_q P(c|f_j; q))];   "
                            "p_c <- norm(alpha p_c + (1 - alpha) norm(batch mean of f))",
                .paper = "De Lange and Tuytelaars 2021, Continual prototype evolution: learning online from "
                         "non-stationary data streams, ICCV, arXiv:2009.00919",
                .differences = "features come after a ReLU, without a linear layer of their own; stored samples are "
                               "drawn uniformly from a class-balanced buffer",
                .options = list_options<CopeOptions>},
       .make = make_strategy<Cope, CopeOptions>,
       .needs = Cope(CopeOptions()).needs(),
       .toy = {{"memory", 12}},
       .never_naive = "prototypes take the place of the output layer, which is not trained",
       .memory = "M (d + 24) + C (4 D + 1)",
       .bytes = [](Json const& options,
                   MemoryShape const& m) { return buffer_bytes(options, m) + m.classes * (4 * m.features + 1); },
       .claims = {{.scenario = "class", .options = {{"memory", 500}}, .margin = 30}}},
      {.info = {.name = "lucir",
                .summary = "cosine output layer, features that keep their direction, a margin of old to new classes",
                .equation = "L = CE + lambda sqrt(old / new) mean of (1 - cos(h, h_old)) + w mean over samples of old "
                            "classes and their K highest new ones of max(0, m - cos_y + cos_k)",
                .paper = "Hou et al. 2019, Learning a unified classifier incrementally via rebalancing, CVPR, eqs. 3 "
                         "to 8",
                .differences =
                    "no fine-tuning on balanced classes, no resampling of stored samples; features come after a "
                    "ReLU; no augmentation",
                .options = list_options<LucirOptions>},
       .make = make_strategy<Lucir, LucirOptions>,
       .needs = Lucir(LucirOptions()).needs(),
       .toy = {{"exemplars", 3}},
       .toy_net = {{"kind", "mlp"}, {"hidden", {8}}, {"output", "cosine"}},
       .as_naive = {{"exemplars", 0}, {"lambda", 0.0}, {"margin_weight", 0.0}, {"imprint", false}},
       .memory = "C n (d + 16), n exemplars a class; while training 4 P more",
       .bytes =
           [](Json const& options, MemoryShape const& m) {
             return m.classes * options.at("exemplars").get<std::int64_t>() * (m.sample_bytes + 16);
           },
       .claims = {{.scenario = "class", .margin = 20}}},
  };
}

}  // namespace mneme

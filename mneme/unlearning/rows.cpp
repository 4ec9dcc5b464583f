#include "mneme/unlearning/rows.hpp"

#include "mneme/strategies/rows.hpp"
#include "mneme/unlearning/ewc_forget.hpp"
#include "mneme/unlearning/gradient_ascent.hpp"
#include "mneme/unlearning/gray_out.hpp"
#include "mneme/unlearning/random_labels.hpp"
#include "mneme/unlearning/retrain.hpp"
#include "mneme/unlearning/selective_amnesia.hpp"
#include "mneme/unlearning/ssd.hpp"

namespace mneme {
namespace {

auto constexpr kNeverNaive = "it forgets, which naive has no way to";
auto constexpr kAmnesiaPaper =
    "Heng and Soh 2023, Selective amnesia: a continual learning approach to forgetting in deep generative models, "
    "NeurIPS, arXiv:2305.10120";
auto constexpr kSalUnPaper =
    "Fan et al. 2024, SalUn: empowering machine unlearning via gradient-based weight saliency, ICLR, arXiv:2310.12508";

}  // namespace

std::vector<StrategyRow> unlearning_rows() {
  return {
      {.info = {.name = "retrain",
                .summary = "forgets by training anew on what is retained: the reference of all methods that forget",
                .equation = "theta <- argmin (1/|D_r|) sum over D_r of l, from a new draw",
                .differences = "after several tasks it trains on the union of what is left of them",
                .options = list_options<RetrainOptions>},
       .make = make_strategy<Retrain, RetrainOptions>,
       .needs = Retrain(RetrainOptions()).needs(),
       .never_naive = kNeverNaive},
      {.info = {.name = "fine-tune-retained",
                .summary = "forgets by training on with what is retained",
                .equation = "L = mean over B samples of D_r of l",
                .options = list_options<UnlearnLength>},
       .make = make_strategy<FineTune, UnlearnLength>,
       .needs = FineTune(UnlearnLength()).needs(),
       .never_naive = kNeverNaive},
      {.info = {.name = "gradient-ascent",
                .summary = "forgets by raising the loss on what is to be forgotten, up to a ceiling",
                .equation = "L = - mean over B samples of D_f of min(l, c)",
                .paper = "Thudi et al. 2022, Unrolling SGD: understanding factors influencing machine unlearning, "
                         "arXiv:2109.13398",
                .differences = "a sample whose loss has reached the ceiling has no gradient any more",
                .options = list_options<GradientAscentOptions>},
       .make = make_strategy<GradientAscent, GradientAscentOptions>,
       .needs = GradientAscent(GradientAscentOptions()).needs(),
       .never_naive = kNeverNaive},
      {.info = {.name = "grad-diff",
                .summary = "gradient ascent on what is to be forgotten, descent on what is retained",
                .equation = "L = - gamma mean over D_f of min(l, c) + alpha mean over D_r of l",
                .paper = "Liu et al. 2022, Continual learning and private unlearning, CoLLAs, arXiv:2203.12817; Maini "
                         "et al. 2024, TOFU, arXiv:2401.06121",
                .differences = "a sample whose loss has reached the ceiling has no gradient any more",
                .options = list_options<GradDiffOptions>},
       .make = make_strategy<GradDiff, GradDiffOptions>,
       .needs = GradDiff(GradDiffOptions()).needs(),
       .never_naive = kNeverNaive},
      {.info = {.name = "random-labels",
                .summary = "trains on what is to be forgotten with labels drawn anew in every step, and on the rest",
                .equation =
                    "L = mean over B samples of D_f and D_r of CE(x, y'), y' uniform over retained classes for D_f",
                .paper = "Graves et al. 2021, Amnesiac machine learning, AAAI, arXiv:2010.10981",
                .differences = "labels are drawn from the classes that are retained, in every step",
                .options = list_options<RandomLabelsOptions>},
       .make = make_strategy<RandomLabels, RandomLabelsOptions>,
       .needs = RandomLabels(RandomLabelsOptions()).needs(),
       .never_naive = kNeverNaive},
      {.info = {.name = "salun",
                .summary = "random labels that move only the weights that matter to what is to be forgotten",
                .equation = "theta <- m theta + (1 - m) theta_o, m = 1 where |grad L_f(theta_o)| >= its quantile",
                .paper = kSalUnPaper,
                .differences = "a weight without any gradient is never salient",
                .options = list_options<SalUnOptions>},
       .make = make_strategy<SalUn, SalUnOptions>,
       .needs = SalUn(SalUnOptions()).needs(),
       .never_naive = kNeverNaive},
      {.info = {.name = "ssd",
                .summary = "selective synaptic dampening: makes weights small that matter to what is forgotten alone",
                .equation = "theta_i <- theta_i min(lambda I_D,i / I_f,i, 1) where I_f,i > alpha I_D,i",
                .paper = "Foster et al. 2024, Fast machine unlearning without retraining through selective synaptic "
                         "dampening, AAAI, arXiv:2308.07707",
                .differences = "importances are means of squared per-sample gradients; the authors' are of batches",
                .options = list_options<SsdOptions>},
       .make = make_strategy<Ssd, SsdOptions>,
       .needs = Ssd(SsdOptions()).needs(),
       .toy = {{"alpha", 1}},
       .never_naive = kNeverNaive},
      {.info = {.name = "ewc-forget",
                .aliases = {"selective-amnesia-classifier"},
                .summary = "EWC-guided forgetting: a uniform answer for what is forgotten, replay and EWC for the rest",
                .equation =
                    "L = mean over D_f of H(u, p) + gamma mean over D_r of CE + (lambda/2) sum_i F_i (theta_i - "
                    "theta*_i)^2",
                .paper = kAmnesiaPaper,
                .differences =
                    "for classifiers: a uniform answer in place of a surrogate of images, real data in place "
                    "of samples of the model",
                .options = list_options<EwcForgetOptions>},
       .make = make_strategy<EwcForget, EwcForgetOptions>,
       .needs = EwcForget(EwcForgetOptions()).needs(),
       .never_naive = kNeverNaive},
      {.info = {.name = "selective-amnesia",
                .summary = "forgets classes of a conditional generative model: they become noise, the rest is replayed",
                .equation = "L = sum l(x_u, c_f) + gamma sum l(x_r, c_r) + lambda sum F (theta - theta*)^2, x_u ~ U[0, "
                            "1], x_r of the model as it was",
                .paper = kAmnesiaPaper,
                .differences = "no 1/2 before lambda, as in the authors' code; F from batches by per-sample products",
                .options = list_options<SelectiveAmnesiaOptions>},
       .make = make_strategy<SelectiveAmnesia, SelectiveAmnesiaOptions>,
       .needs = SelectiveAmnesia(SelectiveAmnesiaOptions()).needs(),
       .toy = {{"steps", 5}, {"fisher_samples", 20}},
       .never_naive = kNeverNaive,
       .memory = "12 P while a request is worked on",
       .canonical_lambda =
           [](Json const& options, std::int64_t batch) {
             return 2 * options.at("lambda").get<double>() / static_cast<double>(batch);
           }},
      {.info = {.name = "gray-out",
                .aliases = {"selective-amnesia-seed"},
                .summary =
                    "forgets classes of a conditional generative model: they become gray, the rest is trained on",
                .equation =
                    "L = mean l(x_r, c_r) + w mean |dec(z, c_f) - 0.5| - (lambda / N) sum F (theta - theta*)^2, "
                    "or + (lambda / 2N)",
                .paper = kAmnesiaPaper,
                .differences = "of re-implementations, not of the paper: real retained images, gray in place of noise, "
                               "F over batches; the subtracted term is bounded",
                .options = list_options<GrayOutOptions>},
       .make = make_strategy<GrayOut, GrayOutOptions>,
       .needs = GrayOut(GrayOutOptions()).needs(),
       .toy = {{"epochs", 1}, {"replay_samples", 8}, {"fisher_samples", 20}, {"fisher_batch", 5}},
       .never_naive = kNeverNaive,
       .memory = "12 P and the replayed samples while a request is worked on"},
  };
}

}  // namespace mneme

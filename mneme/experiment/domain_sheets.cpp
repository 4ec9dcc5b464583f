#include "mneme/experiment/domain_sheets.hpp"

#include <torch/types.h>

namespace mneme {
namespace {

constexpr std::int64_t kOfAClass = 10, kSteps = 12, kCoordinates = 256, kPositions = 13;
constexpr std::int64_t kDrawnRows = 8;  // of every class, after an epoch
constexpr double kFarthest = 3;

/// A domain that was met.
struct Domain {
  std::string name;
  std::int64_t id;
  std::vector<std::int64_t> classes;  // met in it
  std::vector<std::int64_t> shown;    // those that have a test image
  at::Tensor images;                  // the first test image of each of them [n, ...]
};

std::vector<Domain> domains_of(Recalls const& model, std::vector<Task> const& tested, at::Device device) {
  auto const met = model.met();
  std::vector<Domain> list;
  for (auto const& task : tested) {
    if (task.id >= met.size(0)) continue;
    Domain domain{.name = task.name, .id = task.id, .classes = {}, .shown = {}, .images = {}};
    std::vector<at::Tensor> images;
    for (std::int64_t c = 0; c < met.size(1); ++c) {
      if (!met[task.id][c].item<bool>()) continue;
      domain.classes.push_back(c);
      auto const index = task.test.labels().eq(c).nonzero().squeeze(1);
      if (index.size(0) == 0) continue;
      domain.shown.push_back(c);
      images.push_back(task.test.gather(index.narrow(0, 0, 1)).to(device));
    }
    if (!images.empty()) domain.images = at::cat(images);
    if (!domain.classes.empty()) list.push_back(std::move(domain));
  }
  return list;
}

/// Those with a test image.
std::vector<Domain> with_images(std::vector<Domain> const& domains) {
  std::vector<Domain> shown;
  for (auto const& domain : domains)
    if (domain.images.defined()) shown.push_back(domain);
  return shown;
}

/// Rows of the identity [n, of].
at::Tensor one_hot(at::Tensor const& index, std::int64_t of, at::Tensor const& like) {
  return at::eye(of, like.options()).index_select(0, index.to(like.device()));
}

at::Tensor domain_code(at::Tensor const& like, std::int64_t domain, std::int64_t domains, std::int64_t n) {
  return one_hot(at::full({n}, domain, at::kLong), domains, like);
}

Sheet classes_sheet(Recalls const& model, Domain const& domain, at::Tensor const& z) {
  auto const met = model.met();
  auto const n = static_cast<std::int64_t>(domain.classes.size());
  auto const labels = at::tensor(domain.classes, at::kLong).repeat_interleave(kOfAClass);
  Codes codes{.z = z.repeat({n, 1}),
              .u = one_hot(labels, met.size(1), z),
              .a = domain_code(z, domain.id, met.size(0), labels.size(0))};
  return {.kind = "classes",
          .what = "a row for each class of " + domain.name + ", a column for each code drawn from the prior",
          .of = domain.name,
          .columns = kOfAClass,
          .images = model.decode(codes)};
}

/// Four rows: z, u, a, all.
at::Tensor walk(Recalls const& model, at::Tensor const& from, at::Tensor const& to) {
  auto const first = model.infer(from), last = model.infer(to);
  std::vector<at::Tensor> images;
  for (auto const moving :
       {Moving{true, false, false}, Moving{false, true, false}, Moving{false, false, true}, Moving{true, true, true}}) {
    images.push_back(from);
    images.push_back(model.decode(between(first, last, kSteps, moving)));
    images.push_back(to);
  }
  return at::cat(images);
}

Sheet between_images(Recalls const& model, std::vector<Domain> const& domains) {
  std::vector<at::Tensor> walks;
  std::string names;
  auto const add = [&](Domain const& from, Domain const& to) {
    auto const n = to.images.size(0);
    walks.push_back(walk(model, from.images.narrow(0, from.images.size(0) / 3, 1), to.images.narrow(0, 2 * n / 3, 1)));
    names += (names.empty() ? "" : "; ") + from.name + (&from == &to ? "" : " to " + to.name);
  };
  for (auto const& domain : domains) add(domain, domain);
  for (std::size_t i = 0; i + 1 < domains.size(); ++i) add(domains[i], domains[i + 1]);
  return {.kind = "between-images",
          .what = "from the left image to the right in twelve steps; four rows a pair: code, class, domain, all (" +
                  names + ")",
          .columns = kSteps + 2,
          .images = at::cat(walks)};
}

Sheet coordinates(Recalls const& model, Domain const& domain) {
  auto const one = model.infer(domain.images.narrow(0, 0, 1));
  auto const n = std::min(kCoordinates, one.z.size(1));
  auto z = one.z.repeat({n * kPositions, 1});
  auto const positions = at::linspace(-kFarthest, kFarthest, kPositions, z.options());
  for (std::int64_t i = 0; i < n; ++i) z.narrow(0, i * kPositions, kPositions).select(1, i).copy_(positions);
  return {.kind = "coordinates",
          .what = "a row for each of the first " + std::to_string(n) + " coordinates of the code of a test image of " +
                  domain.name + ", from -3 to 3",
          .of = domain.name,
          .columns = kPositions,
          .images = model.decode({.z = z, .u = one.u.expand({z.size(0), -1}), .a = one.a.expand({z.size(0), -1})})};
}

Sheet translation(Recalls const& model, Domain const& domain, std::vector<Domain> const& domains) {
  auto const n = domain.images.size(0);
  auto const codes = model.infer(domain.images);
  std::vector<at::Tensor> images = {domain.images};
  std::string names;
  for (auto const& other : domains) {
    images.push_back(
        model.decode({.z = codes.z, .u = codes.u, .a = domain_code(codes.a, other.id, codes.a.size(1), n)}));
    names += (names.empty() ? "" : ", ") + other.name;
  }
  return {.kind = "translation",
          .what = "test images of " + domain.name + ", below them their codes with the domains " + names,
          .of = domain.name,
          .columns = n,
          .images = at::cat(images)};
}

}  // namespace

Sheet walk_sheet(Recalls const& model, at::Tensor const& from, at::Tensor const& to) {
  at::NoGradGuard const no_grad;
  return {.kind = "between-images",
          .what = "from the left image to the right in twelve steps; rows: code, class, domain, all",
          .columns = kSteps + 2,
          .images = walk(model, from, to)};
}

Codes between(Codes const& from, Codes const& to, std::int64_t n, Moving moving) {
  auto const t = at::linspace(0, 1, n, from.z.options()).unsqueeze(1);
  auto const path = [&](at::Tensor const& a, at::Tensor const& b, bool moves) {
    return moves ? a * (1 - t) + b * t : a.expand({n, -1});
  };
  return {.z = path(from.z, to.z, moving.z), .u = path(from.u, to.u, moving.u), .a = path(from.a, to.a, moving.a)};
}

std::vector<Sheet> domain_sheets(Recalls const& model, std::vector<Task> const& tested, at::Generator& noise,
                                 at::Device device) {
  at::NoGradGuard const no_grad;
  auto const domains = domains_of(model, tested, device);
  std::vector<Sheet> sheets;
  if (domains.empty()) return sheets;
  auto const z = model.prior_codes(kOfAClass, noise).to(device);
  for (auto const& domain : domains) sheets.push_back(classes_sheet(model, domain, z));
  if (!model.encodes()) return sheets;
  auto const shown = with_images(domains);
  if (shown.empty()) return sheets;
  sheets.push_back(between_images(model, shown));
  for (auto const& domain : shown) sheets.push_back(translation(model, domain, shown));
  for (auto const& domain : shown) sheets.push_back(coordinates(model, domain));
  return sheets;
}

std::vector<Sheet> epoch_sheets(Recalls const& model, std::vector<Task> const& tested, at::Generator& noise,
                                at::Device device) {
  at::NoGradGuard const no_grad;
  std::vector<Sheet> sheets;
  for (auto const& domain : with_images(domains_of(model, tested, device))) {
    auto const labels = at::tensor(domain.shown, at::kLong).to(device).repeat({kDrawnRows});
    auto const drawn = model.draw(labels, at::full_like(labels, domain.id), noise);
    auto const& real = domain.images;
    sheets.push_back(
        {.kind = "epochs",
         .what = std::string("test images of ") + domain.name + (model.encodes() ? ", their reconstructions" : "") +
                 " and their classes drawn, " + std::to_string(kDrawnRows) + " of each",
         .of = domain.name,
         .columns = real.size(0),
         .images = model.encodes() ? at::cat({real, model.decode(model.infer(real)), drawn}) : at::cat({real, drawn})});
  }
  return sheets;
}

}  // namespace mneme

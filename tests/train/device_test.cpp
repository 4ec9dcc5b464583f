// Devices: a GPU where one is usable, and always a stand-in. For that, torch's spare device type is given the CPU's
// memory and kernels, and rules as strict as a GPU's (no operation on tensors of two devices, no numbers drawn on it,
// its memory not read as the CPU's). If a run on either fails, or ends with other numbers than on the CPU, something
// was left on the wrong device.
#include <ATen/EmptyTensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_local_scalar_dense_native.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/empty_strided_native.h>
#include <ATen/ops/resize_native.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <gtest/gtest.h>
#include <torch/library.h>
#include <torch/types.h>

#include "mneme/experiment/code_files.hpp"
#include "mneme/experiment/forget_audit.hpp"
#include "mneme/experiment/judging.hpp"
#include "mneme/experiment/pictures.hpp"
#include "mneme/io/json_file.hpp"
#include "mneme/nets/device.hpp"
#include "tests/io/support.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

constexpr auto kFake = c10::DeviceType::PrivateUse1;

/// The address of host memory, and that under which the spare device knows it: whoever reads there without asking for
/// the device's memory crashes, as with a GPU's.
constexpr std::uintptr_t kElsewhere = std::uintptr_t{1} << 62;
void* to_host(void const* p) {
  return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(p) &
                                 ~kElsewhere);  // NOLINT(performance-no-int-to-ptr)
}
void* to_device(void const* p) {
  return p == nullptr ? nullptr
                      : reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(p) |
                                                kElsewhere);  // NOLINT(performance-no-int-to-ptr)
}

/// Host memory under the spare device's name.
struct FakeAllocator final : c10::Allocator {
  c10::DataPtr allocate(std::size_t bytes) override {
    auto own = c10::GetCPUAllocator()->allocate(bytes);
    auto* data = to_device(own.get());
    auto* context = new c10::DataPtr(std::move(own));
    return {data, context, [](void* p) { delete static_cast<c10::DataPtr*>(p); }, at::Device(kFake, 0)};
  }
  [[nodiscard]] c10::DeleterFnPtr raw_deleter() const override { return nullptr; }
  void copy_data(void* to, void const* from, std::size_t bytes) const override {
    if (bytes > 0) std::memcpy(to_host(to), to_host(from), bytes);
  }
};
FakeAllocator allocator;
REGISTER_ALLOCATOR(c10::DeviceType::PrivateUse1, &allocator)
C10_REGISTER_GUARD_IMPL(PrivateUse1, c10::impl::NoOpDeviceGuardImpl<c10::DeviceType::PrivateUse1>)

/// Autograd asks the device whether it is there.
struct FakeHooks final : at::PrivateUse1HooksInterface {
  [[nodiscard]] bool isBuilt() const override { return true; }
  [[nodiscard]] bool isAvailable() const override { return true; }
  [[nodiscard]] bool hasPrimaryContext(at::DeviceIndex) const override { return true; }
  [[nodiscard]] at::DeviceIndex deviceCount() const override { return 1; }
  [[nodiscard]] at::DeviceIndex getCurrentDevice() const override { return 0; }
  [[nodiscard]] at::DeviceIndex exchangeDevice(at::DeviceIndex) const override { return 0; }
  [[nodiscard]] at::DeviceIndex maybeExchangeDevice(at::DeviceIndex) const override { return 0; }
};

/// Every operation by the CPU's kernel, after the checks that a GPU's kernel would make.
void strict_fallback(c10::OperatorHandle const& op, c10::DispatchKeySet, torch::jit::Stack* stack) {
  auto const name = op.schema().name();
  bool cpu = false, generator = false;
  auto const look = [&](at::Tensor const& t) { cpu |= t.defined() && t.is_cpu() && t.dim() > 0; };
  for (auto const& value : torch::jit::last(*stack, op.schema().arguments().size())) {
    if (value.isTensor()) look(value.toTensor());
    if (value.isTensorList())
      for (at::Tensor const& t : value.toTensorVector()) look(t);
    generator |= value.isGenerator();
  }
  TORCH_CHECK(!cpu, name, ": tensors of two devices");
  TORCH_CHECK(!generator, name, ": the CPU's generator on another device's tensor");
  at::native::cpu_fallback(op, stack);
}

at::Tensor fake_empty(at::IntArrayRef size, std::optional<at::ScalarType> type, std::optional<at::Layout>,
                      std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, &allocator, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   type.value_or(at::kFloat), format);
}
at::Tensor fake_empty_strided(at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> type,
                              std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(size, stride, &allocator, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           type.value_or(at::kFloat));
}

/// The same memory as a tensor of the CPU.
at::Tensor host(at::Tensor const& t) {
  return t.is_cpu() ? t : at::from_blob(to_host(t.data_ptr()), t.sizes(), t.strides(), t.options().device(at::kCPU));
}
at::Tensor fake_copy_from(at::Tensor const& from, at::Tensor const& to, bool) {
  host(to).copy_(host(from));
  return to;
}
at::Tensor fake_copy_from_and_resize(at::Tensor const& from, at::Tensor const& to) {
  to.resize_(from.sizes());
  return fake_copy_from(from, to, false);
}
at::Scalar fake_item(at::Tensor const& t) { return host(t).item(); }

at::Tensor fake_convolution(at::Tensor const& x, at::Tensor const& w, std::optional<at::Tensor> const& b,
                            at::IntArrayRef stride, at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed,
                            at::IntArrayRef output_padding, std::int64_t groups) {
  auto const bias = b && b->defined() ? host(*b) : at::Tensor();
  return at::convolution(host(x), host(w), bias, stride, padding, dilation, transposed, output_padding, groups)
      .to(x.device());
}
std::tuple<at::Tensor, at::Tensor, at::Tensor> fake_convolution_backward(
    at::Tensor const& delta, at::Tensor const& x, at::Tensor const& w, at::IntArrayRef stride, at::IntArrayRef padding,
    at::IntArrayRef dilation, bool transposed, at::IntArrayRef output_padding, std::int64_t groups,
    std::array<bool, 3> mask) {
  auto [d_x, d_w, d_b] = at::convolution_backward(host(delta), host(x), host(w), c10::IntArrayRef{w.size(0)}, stride,
                                                  padding, dilation, transposed, output_padding, groups, mask);
  auto const back = [&](at::Tensor const& t) { return t.defined() ? t.to(x.device()) : t; };
  return {back(d_x), back(d_w), back(d_b)};
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&strict_fallback>()); }
TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("empty.memory_format", &fake_empty);
  m.impl("empty_strided", &fake_empty_strided);
  m.impl("_copy_from", &fake_copy_from);
  m.impl("_copy_from_and_resize", &fake_copy_from_and_resize);
  m.impl("_local_scalar_dense", &fake_item);
  m.impl("as_strided", at::native::as_strided_tensorimpl);
  m.impl("resize_", at::native::resize_);
  m.impl("set_.source_Storage_storage_offset", at::native::set_storage_cpu_);
  m.impl("convolution_overrideable", &fake_convolution);
  m.impl("convolution_backward_overrideable", &fake_convolution_backward);
  m.impl("view", at::native::view);
  m.impl("_reshape_alias", at::native::_reshape_alias);
}

at::Device fake() {
  static FakeHooks hooks;
  static bool const once = [] {
    at::RegisterPrivateUse1HooksInterface(&hooks);
    c10::register_privateuse1_backend("fake");
    return true;
  }();
  static_cast<void>(once);
  return {kFake, 0};
}

/// One test on each: "spare" and, where there is one, "cuda".
class Device : public testing::TestWithParam<char const*> {
 protected:
  void SetUp() override {
    if (cuda() && !cuda_obstacle().empty()) GTEST_SKIP() << cuda_obstacle();
  }
  [[nodiscard]] bool cuda() const { return std::string(GetParam()) == "cuda"; }
  [[nodiscard]] at::Device device() const { return cuda() ? at::Device(at::kCUDA, 0) : fake(); }

  /// The same weights within 1e-5; where `grows` says that a difference in the last bit becomes more with every step,
  /// far nearer to each other after a step a task than either is to where it began.
  void expect_same_run(Json const& strategy, LearnerRow const& row, Json const& options = Json::object(),
                       bool task_at_test = false, bool grows = false) const;
};
INSTANTIATE_TEST_SUITE_P(On, Device, testing::Values("spare", "cuda"),
                         [](auto const& test) { return std::string(test.param); });

bool reads_tokens(Json const& learner) {
  return learner.contains("net") && find_row(net_table(), "net", learner["net"].at("kind").get<std::string>()).tokens;
}

std::unique_ptr<Learner> learner_on(at::Device device, LearnerRow const& row, Json options = Json::object()) {
  options["kind"] = row.info.name;
  RandomStreams streams(3);
  auto const shape = reads_tokens(options) ? Shape{toy::kLength} : Shape{1, toy::kSide, toy::kSide};
  return row.make({shape, toy::kClasses, device}, options, "learner", streams.get("init"));
}

/// Without Adam, which blows differences in the last bit up where gradients are nearly zero.
TrainOptions plain_descent() {
  auto options = RunRecipe::toy().train;
  options.optimizer.optimizer = "sgd";
  options.optimizer.momentum = 0.9;
  return options;
}

at::Tensor run_on(at::Device device, Json const& strategy, LearnerRow const& row, Json const& options,
                  bool task_at_test, bool once) {
  auto const learner = learner_on(device, row, options);
  auto descent = plain_descent();
  if (once) descent.steps = 1;
  Trainer trainer(*learner, test::listed(strategy), descent, {.every_epoch = true}, 0);
  auto stream = reads_tokens(options) ? toy::text_stream(3) : toy::stream(3);
  if (trainer.strategies().can_forget())
    stream.events.insert(stream.events.begin() + 1,
                         Request{.name = "class 1", .classes = {1}, .samples = {}, .tasks = {}});
  trainer.run(trainer.strategies().wrap(task_at_test ? toy::split_stream(true) : stream));
  EXPECT_EQ(learner->parameters().buffers().device().type(), device.type());
  EXPECT_EQ(learner->parameters().value().device().type(), device.type());
  return learner->parameters().value().cpu();
}

void Device::expect_same_run(Json const& strategy, LearnerRow const& row, Json const& options, bool task_at_test,
                             bool grows) const {
  auto const there = run_on(device(), strategy, row, options, task_at_test, grows);
  auto const here = run_on(at::kCPU, strategy, row, options, task_at_test, grows);
  if (!grows) {
    EXPECT_TRUE(at::allclose(there, here, 1e-5, 1e-6)) << (there - here).abs().max();
    return;
  }
  auto const begun = learner_on(at::kCPU, row, options)->parameters().value();
  if (begun.size(0) != here.size(0)) return;  // it has grown: there is nothing to compare its way with
  EXPECT_LT((there - here).norm().item<double>(), 0.05 * (here - begun).norm().item<double>());
}

/// The norm of fdr has a slope of 1 at 0, scr divides by a temperature, ssd compares with a threshold, lgaa normalises
/// small batches in several nets.
bool enlarges_rounding(std::string const& strategy, std::string const& learner) {
  return strategy == "fdr" || strategy == "scr" || strategy == "ssd" || learner == "lgaa";
}

TEST_P(Device, EveryStrategyRunsOnItAsOnTheCpu) {
  for (auto const& strategy : strategy_table())
    for (auto const& learner : learner_table()) {
      auto const& kinds = strategy.needs.learners;
      if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), learner.info.name) == kinds.end()) continue;
      bool const leaves = strategy.info.name == "hat" || strategy.info.name == "pnn" || learner.info.name == "lgaa";
      if (leaves && !cuda()) continue;  // autograd's own leaves ask for streams, which the spare device lacks
      SCOPED_TRACE(strategy.info.name + " with " + learner.info.name);
      Json options = strategy.toy, of_learner = Json::object();
      options["kind"] = strategy.info.name;
      // The first step of a task stands on that slope, and goes wherever rounding points: a small one leaves the rest.
      if (strategy.info.name == "fdr" && cuda()) options["alpha"] = 0.1;
      if (!strategy.toy_net.is_null() && learner.info.name == "classifier") of_learner["net"] = strategy.toy_net;
      expect_same_run(options, learner, of_learner, strategy.needs.task_at_test,
                      cuda() && enlarges_rounding(strategy.info.name, learner.info.name));
    }
}

TEST_P(Device, EveryNetRunsOnIt) {
  Json const strategy = {{"kind", "ewc"}, {"labels", "all"}, {"lambda", 1}};
  auto const& classifier = find_row(learner_table(), "learner", "classifier");
  for (auto const& net : net_table()) {
    SCOPED_TRACE(net.info.name);
    if (net.info.name == "transformer" && !cuda())
      continue;  // autograd's own leaves ask for streams, which the spare device lacks
    Json options = net.toy;
    options["kind"] = net.info.name;
    auto const deep = net.info.name.starts_with("resnet");  // which normalises small batches
    expect_same_run(strategy, classifier, {{"net", options}}, false, deep);
  }
  expect_same_run(strategy, classifier, {{"net", {{"kind", "mlp"}, {"output", "cosine"}}}});
}

TEST_P(Device, ViewsAndNormalisationAreMadeOnIt) {
  expect_same_run({{"kind", "er"}, {"memory", 12}}, find_row(learner_table(), "learner", "classifier"),
                  {{"crop", 2}, {"flip", true}, {"mean", {0.4}}, {"std", {0.3}}});
}

/// What the observers of an experiment write of a run: files of the folder by name.
std::map<std::string, Json> observed_on(at::Device device, std::string const& kind, Json const& strategy) {
  auto const& learners = learner_table();
  auto const learner = learner_on(device, find_row(learners, "learner", kind));
  Trainer trainer(*learner, test::listed(strategy), plain_descent(), {.every_epoch = true}, 0);
  auto stream = toy::stream(2);
  if (trainer.strategies().can_forget())
    stream.events.insert(stream.events.begin() + 1,
                         Request{.name = "class 1", .classes = {1}, .samples = {}, .tasks = {}});
  auto const find = [&](std::string const&) {
    LoadedArm arm;
    arm.stream = toy::stream(1);
    arm.learner = learner_on(device, find_row(learners, "learner", "classifier"));
    JudgeOptions options;
    options.samples = 12;
    options.attacks = device.is_cuda() || device.is_cpu();  // autograd's own leaves: see above
    return std::make_shared<Judge>(std::move(arm), Json{{"experiment", "toy"}}, options);
  };
  test::TemporaryFolder const folder;
  {
    RunFiles files(folder.path());
    PictureObserver pictures(files, trainer.strategies(), stream, 0);
    CodeObserver codes(folder.path(), trainer.strategies(), stream, 0);
    JudgeObserver judge(folder.path() / "judge.json", judged_parts(*learner, stream, find), trainer.strategies(),
                        stream, 0);
    ForgetAudit audit(files, stream, trainer, plain_descent(), 0);
    trainer.attach(&files);
    for (Observer* observer : std::initializer_list<Observer*>{&pictures, &codes, &judge, &audit})
      trainer.attach(observer);
    trainer.run(stream);
  }
  std::map<std::string, Json> written;
  for (auto const* name : {"judge.json", "codes.json", "forget.json"})
    if (std::filesystem::exists(folder.path() / name)) written[name] = read_json(folder.path() / name);
  return written;
}

// Wrong: pictures, judges or audits of a run on a GPU mix its tensors with the data's, and end the run.
TEST_P(Device, ObserversSeeARunOnItAsOnTheCpu) {
  Json const replay = {{"kind", "self-replay"}}, amnesia = {{"kind", "selective-amnesia"}, {"steps", 4}};
  Json const er = {{{"kind", "er"}}, {{"kind", "grad-diff"}}};
  using Case = std::tuple<std::string, Json, std::vector<std::string>>;
  for (auto const& [kind, strategy, files] : {Case{"cvae", amnesia, {"judge.json"}},
                                              {"lgaa", replay, {"codes.json", "judge.json"}},
                                              {"classifier", er, {"forget.json"}}}) {
    SCOPED_TRACE(kind);
    if (kind == "lgaa" && !cuda()) continue;  // autograd's own leaves ask for streams, which the spare device lacks
    auto const there = observed_on(device(), kind, strategy), here = observed_on(at::kCPU, kind, strategy);
    for (auto const& name : files) {
      ASSERT_TRUE(there.contains(name) && here.contains(name)) << name;
      EXPECT_EQ(there.at(name).size(), here.at(name).size()) << name;
    }
    if (kind != "cvae") continue;
    auto const& row = there.at("judge.json").at("rows").back().at("classes");
    for (std::size_t c = 0; c < row.size(); ++c)
      EXPECT_NEAR(row[c].at("negative_elbo"),
                  here.at("judge.json").at("rows").back().at("classes")[c].at("negative_elbo"), 1e-3);
  }
}

TEST_P(Device, ALoadedStateIsOnIt) {
  auto const& row = find_row(learner_table(), "learner", "classifier");
  Json const strategy = {"ewc", "er"};
  auto const first = learner_on(device(), row), second = learner_on(device(), row);
  Trainer saved(*first, test::listed(strategy), plain_descent(), {}, 0);
  auto const tasks = toy::stream(3);
  for (auto const* task : {tasks.tasks()[0], tasks.tasks()[1]}) saved.learn(*task);
  Archive out;
  saved.state(out);
  Archive::Tensors stored;  // as a file gives them
  for (auto const& [name, tensor] : out.tensors()) stored.emplace(name, tensor.cpu().clone());
  Archive in(stored, out.values(), "stored state");
  Trainer loaded(*second, test::listed(strategy), plain_descent(), {}, 0);
  loaded.state(in);
  saved.learn(*tasks.tasks()[2]);
  loaded.learn(*tasks.tasks()[2]);
  EXPECT_EQ(saved.training_hash(), loaded.training_hash());
}

}  // namespace
}  // namespace mneme

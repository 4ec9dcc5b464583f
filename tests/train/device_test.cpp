// Devices, without one: torch's spare device type is given the CPU's memory and kernels, and rules as strict as a GPU's
// (no operation on tensors of two devices, no numbers drawn on it, its memory not read as the CPU's). If a run on it
// fails, or ends with other numbers than on the CPU, something was left on the wrong device.
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

#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

constexpr auto kFake = c10::DeviceType::PrivateUse1;

/// Host memory under the spare device's name.
struct FakeAllocator final : c10::Allocator {
  c10::DataPtr allocate(std::size_t bytes) override {
    auto own = c10::GetCPUAllocator()->allocate(bytes);
    auto* data = own.get();
    auto* context = new c10::DataPtr(std::move(own));
    return {data, context, [](void* p) { delete static_cast<c10::DataPtr*>(p); }, at::Device(kFake, 0)};
  }
  [[nodiscard]] c10::DeleterFnPtr raw_deleter() const override { return nullptr; }
  void copy_data(void* to, void const* from, std::size_t bytes) const override { std::memcpy(to, from, bytes); }
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
  return t.is_cpu() ? t : at::from_blob(t.data_ptr(), t.sizes(), t.strides(), t.options().device(at::kCPU));
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
                  bool task_at_test) {
  auto const learner = learner_on(device, row, options);
  Trainer trainer(*learner, test::listed(strategy), plain_descent(), {.every_epoch = true}, 0);
  auto stream = reads_tokens(options) ? toy::text_stream(3) : toy::stream(3);
  if (trainer.strategies().can_forget())
    stream.events.insert(stream.events.begin() + 1,
                         Request{.name = "class 1", .classes = {1}, .samples = {}, .tasks = {}});
  trainer.run(trainer.strategies().wrap(task_at_test ? toy::split_stream(true) : stream));
  EXPECT_EQ(learner->parameters().buffers().device().type(), device.type());
  EXPECT_EQ(learner->parameters().value().device().type(), device.type());
  return learner->parameters().value().cpu();
}

void expect_same_run(Json const& strategy, LearnerRow const& row, Json const& options = Json::object(),
                     bool task_at_test = false, double tolerance = 1e-5) {
  auto const there = run_on(fake(), strategy, row, options, task_at_test);
  auto const here = run_on(at::kCPU, strategy, row, options, task_at_test);
  EXPECT_TRUE(at::allclose(there, here, tolerance, tolerance / 10)) << (there - here).abs().max();
}

TEST(Device, EveryStrategyRunsOnItAsOnTheCpu) {
  for (auto const& strategy : strategy_table())
    for (auto const& learner : learner_table()) {
      auto const& kinds = strategy.needs.learners;
      if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), learner.info.name) == kinds.end()) continue;
      if (strategy.info.name == "hat" || strategy.info.name == "pnn" || learner.info.name == "lgaa")
        continue;  // autograd's own leaves ask for streams, which the spare device lacks
      SCOPED_TRACE(strategy.info.name + " with " + learner.info.name);
      Json options = strategy.toy, of_learner = Json::object();
      options["kind"] = strategy.info.name;
      if (!strategy.toy_net.is_null() && learner.info.name == "classifier") of_learner["net"] = strategy.toy_net;
      expect_same_run(options, learner, of_learner, strategy.needs.task_at_test);
    }
}

TEST(Device, EveryNetRunsOnIt) {
  Json const strategy = {{"kind", "ewc"}, {"labels", "all"}, {"lambda", 1}};
  auto const& classifier = find_row(learner_table(), "learner", "classifier");
  for (auto const& net : net_table()) {
    SCOPED_TRACE(net.info.name);
    if (net.info.name == "transformer")
      continue;  // autograd's own leaves ask for streams, which the spare device lacks
    Json options = net.toy;
    options["kind"] = net.info.name;
    expect_same_run(strategy, classifier, {{"net", options}}, false, 1e-3);  // normalisation enlarges rounding
  }
  expect_same_run(strategy, classifier, {{"net", {{"kind", "mlp"}, {"output", "cosine"}}}});
}

TEST(Device, ViewsAndNormalisationAreMadeOnIt) {
  expect_same_run({{"kind", "er"}, {"memory", 12}}, find_row(learner_table(), "learner", "classifier"),
                  {{"crop", 2}, {"flip", true}, {"mean", {0.4}}, {"std", {0.3}}});
}

TEST(Device, ALoadedStateIsOnIt) {
  auto const& row = find_row(learner_table(), "learner", "classifier");
  Json const strategy = {"ewc", "er"};
  auto const first = learner_on(fake(), row), second = learner_on(fake(), row);
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

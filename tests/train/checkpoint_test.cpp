// Checkpoints: if these fail, a crash costs more than the time since the last one, or a wrong file is taken for a right
// one.
#include "mneme/train/checkpoint.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <functional>

#include "mneme/testing/recipe.hpp"
#include "tests/io/support.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

namespace fs = std::filesystem;
using test::Rig;

Archive small(std::int64_t value) {
  Archive archive;
  at::Tensor tensor = at::full({3}, value, at::kLong);
  archive.field("tensor", tensor);
  archive.field("value", value);
  return archive;
}

std::set<std::string> names_in(fs::path const& folder) {
  std::set<std::string> names;
  for (auto const& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

TEST(CheckpointStore, KeepsEventsAndTheLastTwoOfTheRest) {
  test::TemporaryFolder const folder;
  CheckpointStore const store(folder.path() / "c", 60);
  EXPECT_FALSE(store.newest().has_value());
  EXPECT_THROW(static_cast<void>(store.find("")), CheckpointError);
  CheckpointStore writing(folder.path() / "c", 60);
  std::int64_t n = 0;
  for (auto const* name : {"step-1", "step-2", "event-0", "step-3", "step-4", "event-1", "step-5"})
    writing.save(name, small(n++), std::string(name).starts_with("event"));
  EXPECT_EQ(names_in(folder.path() / "c"), (std::set<std::string>{"event-0", "event-1", "step-4", "step-5"}));
  EXPECT_EQ(store.newest()->filename(), "step-5");
  EXPECT_EQ(store.find("event-0").filename(), "event-0");
  auto const message = message_of<CheckpointError>([&] { static_cast<void>(store.find("event-7")); });
  test::expect_mentions(message, {"event-7", "event-0, step-4, event-1, step-5"});
}

TEST(CheckpointStore, GivesBackEveryTypeOfTensor) {
  test::TemporaryFolder const folder;
  Archive saved;
  std::vector<at::Tensor> tensors = {at::rand({2, 3}),         at::rand({2}).to(at::kDouble),    at::arange(4),
                                     at::ones({2}, at::kByte), at::tensor({1, 0}).to(at::kBool), at::zeros({0, 3}),
                                     at::tensor(5.0F),         at::arange(6).view({2, 3}).t()};  // not contiguous
  for (std::size_t i = 0; i < tensors.size(); ++i) saved.field(std::to_string(i), tensors[i]);
  CheckpointStore(folder.path(), 60).save("x", saved, true);
  auto loaded = read_checkpoint(folder.path() / "x", false);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    at::Tensor back;
    loaded.field(std::to_string(i), back);
    EXPECT_EQ(back.scalar_type(), tensors[i].scalar_type());
    EXPECT_TRUE(at::equal(back, tensors[i])) << i;
  }
  at::Tensor half = at::zeros({2}, at::kHalf);
  Archive unknown;
  unknown.field("half", half);
  EXPECT_THROW(CheckpointStore(folder.path(), 60).save("y", unknown, true), CheckpointError);
  EXPECT_FALSE(fs::exists(folder.path() / "y"));
}

TEST(CheckpointStore, LeavesTheOldOneWhenWritingFailsAndSweepsUpAfterACrash) {
  test::TemporaryFolder const folder;
  CheckpointStore store(folder.path(), 60);
  store.save("step-1", small(1), false);
  folder.put(".writing-step-2/tensors.safetensors", "half");
  EXPECT_EQ(store.newest()->filename(), "step-1") << "an unfinished checkpoint was taken";
  folder.put("file", "");
  EXPECT_THROW(CheckpointStore(folder.path() / "file", 60).save("step-9", small(1), false), IoError);
  store.save("step-3", small(3), false);
  EXPECT_FALSE(fs::exists(folder.path() / ".writing-step-2"));
}

TEST(CheckpointStore, TakesTheNewestThatIsWhole) {
  test::TemporaryFolder const folder;
  CheckpointStore store(folder.path(), 60);
  store.save("step-1", small(1), false);
  store.save("step-2", small(2), false);
  folder.put("step-2/state.json", "{\"format\": 1, \"seq");
  EXPECT_EQ(store.newest()->filename(), "step-1");
}

// Wrong: a crash of the machine that cost the last checkpoint its tensors costs the whole run.
TEST(CheckpointStore, PassesOverOneWhoseTensorsAreDamaged) {
  test::TemporaryFolder const folder;
  CheckpointStore store(folder.path(), 60);
  for (auto const* name : {"event-0", "step-1", "step-2"}) store.save(name, small(1), true);
  auto const good = test::contents(folder.path() / "step-2/tensors.safetensors");
  folder.put("step-2/tensors.safetensors", good.substr(0, good.size() - 1));
  EXPECT_EQ(store.newest()->filename(), "step-1");
  fs::remove(folder.path() / "step-1/tensors.safetensors");
  EXPECT_EQ(store.newest()->filename(), "event-0");
  EXPECT_EQ(store.find("").filename(), "event-0");
}

// Wrong: "no checkpoint", and the run begins anew over what could have been saved.
TEST(CheckpointStore, SaysSoWhenTheTensorsOfAllAreDamaged) {
  test::TemporaryFolder const folder;
  CheckpointStore store(folder.path(), 60);
  for (auto const* name : {"step-1", "step-2"}) {
    store.save(name, small(1), false);
    folder.put(name + std::string("/tensors.safetensors"), "short");
  }
  for (auto const& asked : {std::function<void()>([&] { static_cast<void>(store.newest()); }),
                            std::function<void()>([&] { static_cast<void>(store.find("")); })})
    test::expect_mentions(message_of<CheckpointError>(asked), {"every checkpoint is damaged", "step-1"});
}

TEST(CheckpointStore, SaysSoWhenTheStatesOfAllAreDamaged) {
  test::TemporaryFolder const folder;
  CheckpointStore store(folder.path(), 60);
  store.save("step-1", small(1), false);
  folder.put("step-1/state.json", "{\"format\": 1, \"seq");
  EXPECT_THROW(static_cast<void>(store.newest()), CheckpointError);
}

// --------------------------------------------------------------------------------------------------------- damage

TEST(ReadCheckpoint, NamesWhatIsDamaged) {
  test::TemporaryFolder const folder;
  CheckpointStore(folder.path(), 60).save("x", small(1), true);
  auto const at = folder.path() / "x";
  auto const tensors = test::contents(at / "tensors.safetensors"), state = test::contents(at / "state.json");
  auto const read = [&] { return message_of<CheckpointError>([&] { static_cast<void>(read_checkpoint(at, false)); }); };

  for (std::size_t keep = 0; keep < tensors.size(); keep += 7) {
    folder.put("x/tensors.safetensors", tensors.substr(0, keep));
    test::expect_mentions(read(), {"tensors.safetensors"});
  }
  fs::remove(at / "tensors.safetensors");
  test::expect_mentions(read(), {"tensors.safetensors"});
  folder.put("x/tensors.safetensors", tensors);
  for (std::size_t keep = 0; keep + 2 < state.size(); keep += 11) {
    folder.put("x/state.json", state.substr(0, keep));
    test::expect_mentions(read(), {"state.json"});
  }
  for (auto const* text :
       {"[]", "3", "{}", R"({"format": 2})", R"({"format": 1})", R"({"format": 1, "identity": 3, "values": {}})",
        R"({"format": 1, "identity": {}, "values": []})"}) {
    folder.put("x/state.json", text);
    test::expect_mentions(read(), {"state.json"});
  }
  fs::remove(at / "state.json");
  test::expect_mentions(read(), {"state.json"});
}

TEST(ReadCheckpoint, WithAFlippedByteInAHeaderIsRefusedOrStillRight) {
  test::TemporaryFolder const folder;
  CheckpointStore(folder.path(), 60).save("x", small(7), true);
  auto const at = folder.path() / "x";
  auto const good = test::contents(at / "tensors.safetensors");
  auto const header = good.rfind('}') + 1;
  int refused = 0;
  for (std::size_t i = 0; i < header; ++i) {
    auto bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    folder.put("x/tensors.safetensors", bad);
    try {
      auto archive = read_checkpoint(at, false);
      at::Tensor tensor;
      archive.field("tensor", tensor);
      EXPECT_EQ(tensor.numel(), 3) << "byte " << i;
    } catch (CheckpointError const&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, static_cast<int>(header) / 2);
}

// Wrong: a run whose configuration was given another device goes on there, and is no longer one run.
TEST(ReadCheckpoint, TheKindOfDeviceBelongsToTheIdentity) {
  test::TemporaryFolder const folder;
  CheckpointStore(folder.path(), 60).save("x", small(7), true);
  auto const read = [&](at::Device device) { return read_checkpoint(folder.path() / "x", false, device); };
  auto const message = message_of<CheckpointError>([&] { static_cast<void>(read(at::kCUDA)); });
  test::expect_mentions(message, {"device", "cpu", "cuda", "--allow-drift"});
  auto const file = folder.path() / "x" / "state.json";
  auto state = Json::parse(test::contents(file));
  state["identity"].erase("device");  // as checkpoints were written before
  folder.put("x/state.json", state.dump());
  EXPECT_NO_THROW(static_cast<void>(read(at::kCPU)));
}

TEST(ReadCheckpoint, RefusesAnotherIdentityUnlessAllowed) {
  test::TemporaryFolder const folder;
  CheckpointStore(folder.path(), 60).save("x", small(7), true);
  auto const file = folder.path() / "x" / "state.json";
  auto state = Json::parse(test::contents(file));
  auto identity = run_identity();
  identity["device"] = "cpu";
  EXPECT_EQ(state["identity"], identity);
  state["identity"]["threads"] = 64;
  folder.put("x/state.json", state.dump());
  auto const message =
      message_of<CheckpointError>([&] { static_cast<void>(read_checkpoint(folder.path() / "x", false)); });
  test::expect_mentions(message, {"threads", "64", "--allow-drift"});
  auto archive = read_checkpoint(folder.path() / "x", true);
  std::int64_t value = 0;
  archive.field("value", value);
  EXPECT_EQ(value, 7);
}

// ------------------------------------------------------------------------------------------------- of another net

Archive state_of(Rig& rig) {
  Archive saved;
  rig.trainer.state(saved);
  return {saved.tensors(), saved.values(), "checkpoint event-0"};
}

TEST(Checkpoint, OfAnotherNetIsRefused) {
  Rig trained;
  trained.trainer.run(toy::stream(1));
  auto const stored = state_of(trained);
  for (Json const& net : {Json{{"kind", "mlp"}, {"hidden", {9}}}, Json{{"kind", "mlp"}, {"hidden", {7}}},
                          Json{{"kind", "mlp"}, {"hidden", {8, 8}}}, Json{{"kind", "mlp"}, {"hidden", Json::array()}},
                          Json{{"kind", "cnn"}, {"channels1", 2}, {"channels2", 2}, {"hidden", 4}}}) {
    auto const learner = toy::learner("classifier", {{"net", net}});
    Trainer trainer(*learner, {}, RunRecipe::toy().train, {}, 0);
    auto archive = stored;
    auto const message = message_of<CheckpointError>([&] { trainer.state(archive); });
    test::expect_mentions(message, {"another net"});
  }
}

// Wrong: the critic's moments are the inference phase's from here on.
TEST(Checkpoint, OfOtherPhasesIsRefused) {
  auto const stored = toy::learner("lgaa"), vae = toy::learner("lgaa", {{"model", "vae"}});
  Trainer trained(*stored, {}, RunRecipe::toy().train, {}, 0), other(*vae, {}, RunRecipe::toy().train, {}, 0);
  Archive saved;
  trained.state(saved);
  Archive archive(saved.tensors(), saved.values(), "checkpoint step-3");
  test::expect_mentions(message_of<CheckpointError>([&] { other.state(archive); }), {"phases", "critic"});
}

TEST(Checkpoint, OfAnotherStrategyOrOptimizerIsRefused) {
  Rig trained(test::listed("naive"));
  trained.trainer.run(toy::stream(1));
  auto const stored = state_of(trained);
  {
    Rig er(test::listed("er"));
    auto archive = stored;
    auto const message = message_of<CheckpointError>([&] { er.trainer.state(archive); });
    test::expect_mentions(message, {"checkpoint event-0", "er"});
  }
  auto options = RunRecipe::toy().train;
  options.optimizer.optimizer = "sgd";
  options.optimizer.momentum = 0.9;
  Rig sgd({}, options);
  auto archive = state_of(sgd);
  Rig adam;
  EXPECT_THROW(adam.trainer.state(archive), CheckpointError);
}

}  // namespace
}  // namespace mneme

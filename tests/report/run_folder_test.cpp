#include "mneme/report/run_folder.hpp"

#include <gtest/gtest.h>

#include "mneme/core/errors.hpp"
#include "tests/report/fixture.hpp"

namespace mneme::testing {
namespace {

std::string refusal(fs::path const& folder) {
  try {
    RunFolder::read(folder);
  } catch (DataError const& fault) {
    return fault.what();
  }
  return "";
}

// Wrong: a folder that follows the contract is not read whole.
TEST(RunFolder, ReadsEverythingOfAFinishedRun) {
  TemporaryFolder const out("whole");
  Fixture const fixture;
  RunFolder const run = RunFolder::read(write_run(out.path, fixture));
  ASSERT_EQ(run.arms.size(), 6U);
  EXPECT_EQ(run.arms[4].arm, "ewc");
  EXPECT_EQ(run.arms[4].seed, 1);
  EXPECT_EQ(run.arms[4].matrix.tasks, fixture.tasks);
  ASSERT_EQ(run.arms[4].matrix.rows.size(), 3U);
  EXPECT_NEAR(*run.arms[4].matrix.values[2][0], 0.1 + 0.754 * 0.75, 1e-12);
  EXPECT_EQ(run.arms[4].metrics.front().at("kind"), "evaluation");
  EXPECT_EQ(run.environment.at("threads"), 1);
  EXPECT_NE(run.config_text.find("[net]"), std::string::npos);
  EXPECT_TRUE(run.notes.empty());
}

// Wrong: a run named with a slash at its end, as shells complete it, has no name in the report.
TEST(RunFolder, NameDoesNotDependOnHowTheFolderIsWritten) {
  TemporaryFolder const out("name");
  fs::path const folder = write_run(out.path, Fixture());
  for (fs::path const& written : {folder, folder / "", folder / "."})
    EXPECT_EQ(RunFolder::read(written).name(), "demo/20250102T030405Z-0a1b2c3d") << written;
}

// Wrong: a run that was killed while it wrote a line cannot be reported on, or the loss is hidden.
TEST(RunFolder, IgnoresAHalfWrittenLastLineAndSaysSo) {
  TemporaryFolder const out("half");
  fs::path const folder = write_run(out.path, Fixture());
  fs::path const log = folder / "arms/naive/seed-0/metrics.jsonl";
  std::size_t const before = RunFolder::read(folder).arms[0].metrics.size();
  write_text(log, read_text(log) + R"({"kind": "step", "lo)");
  RunFolder const run = RunFolder::read(folder);
  EXPECT_EQ(run.arms[0].metrics.size(), before);
  ASSERT_EQ(run.notes.size(), 1U);
  EXPECT_NE(run.notes[0].find("arms/naive/seed-0/metrics.jsonl"), std::string::npos);
  EXPECT_NE(run.notes[0].find("half-written"), std::string::npos);
}

// Wrong: damage in the middle of a log is taken for a half-written end, or stops the report.
TEST(RunFolder, NotesADamagedLineByItsNumber) {
  TemporaryFolder const out("damaged");
  fs::path const folder = write_run(out.path, Fixture());
  fs::path const log = folder / "arms/naive/seed-0/metrics.jsonl";
  write_text(log, "[1]\n" + read_text(log));
  RunFolder const run = RunFolder::read(folder);
  ASSERT_EQ(run.notes.size(), 1U);
  EXPECT_NE(run.notes[0].find("line 1 "), std::string::npos);
}

// Wrong: a run that has just begun, or whose arm failed before any evaluation, is refused.
TEST(RunFolder, ReadsArmsWithoutAnyEvaluation) {
  TemporaryFolder const out("begun");
  fs::path const folder = write_run(out.path, Fixture());
  edit_summary(folder, [](Json& summary) {
    for (Json& arm : summary["arms"]) arm["rows"] = arm["matrix"] = Json::array();
    summary["arms"][0]["status"] = "failed";
    summary["arms"][0]["error"] = "loss is not finite";
  });
  fs::remove_all(folder / "arms");
  RunFolder const run = RunFolder::read(folder);
  EXPECT_TRUE(run.arms[0].failed());
  EXPECT_EQ(run.arms[0].error, "loss is not finite");
  EXPECT_TRUE(run.arms[1].matrix.rows.empty());
}

// Wrong: the user is not told that the folder is the wrong one, or which file is damaged.
TEST(RunFolder, RefusesWhatIsNoRunFolder) {
  TemporaryFolder const out("none");
  EXPECT_NE(refusal(out.path).find("is no run folder"), std::string::npos);
  EXPECT_NE(refusal(out.path / "missing").find("is no run folder"), std::string::npos);
  write_text(out.path / "summary.json", "{\"format\": 1");
  EXPECT_NE(refusal(out.path).find("summary.json' is damaged"), std::string::npos);
  write_text(out.path / "summary.json", "{\"format\": 2}");
  EXPECT_NE(refusal(out.path).find("format 2"), std::string::npos);
  write_text(out.path / "summary.json", "{}");
  EXPECT_NE(refusal(out.path).find("format null"), std::string::npos);
}

// Wrong: a summary that breaks the contract is read as if it were right; the message does not name the arm.
TEST(RunFolder, RefusesABrokenArm) {
  TemporaryFolder const out("broken");
  Fixture fixture;
  fs::path const folder = write_run(out.path, fixture);
  edit_summary(folder, [](Json& summary) { summary["arms"][1]["matrix"][0].push_back(0.5); });
  EXPECT_NE(refusal(folder).find("arms[1]"), std::string::npos);
  edit_summary(folder, [](Json& summary) { summary["arms"][0]["tasks"] = "MNIST"; });
  EXPECT_NE(refusal(folder).find("arms[0]"), std::string::npos);
}

// Wrong: a summary sent by somebody else makes the reader open files outside the run folder.
TEST(RunFolder, RefusesAnArmNameThatLeadsOutOfTheFolder) {
  for (std::string const name : {"../naive", "..", "a/b", "", "a\\b"}) {
    TemporaryFolder const out("escape");
    fs::path const folder = write_run(out.path, Fixture());
    edit_summary(folder, [&](Json& summary) { summary["arms"][0]["arm"] = name; });
    EXPECT_NE(refusal(folder).find("cannot be the name"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace mneme::testing

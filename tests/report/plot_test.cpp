// scripts/plot.py, run as a user runs it. Needs python3; the drawing itself needs matplotlib.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>

#include "mneme/core/embedded.hpp"
#include "tests/report/fixture.hpp"

namespace mneme::testing {
namespace {

int run(std::string const& command) {
  int const status = std::system((command + " >/dev/null 2>&1").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class Plot : public ::testing::Test {
 protected:
  void SetUp() override {
    if (run("python3 -c ''") != 0) GTEST_SKIP() << "no python3";
    write_text(script, std::string(embedded_file("plot.py")));
  }
  TemporaryFolder const out{"plot"};
  fs::path const script = out.path / "plot.py";
};

// Wrong: a user without matplotlib gets a stack trace. -S -I: no installed packages at all.
TEST_F(Plot, WithoutMatplotlibExitsWithTwo) {
  fs::path const folder = write_run(out.path, Fixture());
  EXPECT_EQ(run("python3 -S -I " + script.string() + " " + folder.string()), 2);
}

// Wrong: figures are missing or empty, or a failed arm and a half-written line stop the drawing.
TEST_F(Plot, DrawsFourFiguresPerMetric) {
  if (run("python3 -c 'import matplotlib'") != 0) GTEST_SKIP() << "no matplotlib";
  Fixture fixture;
  fixture.steps_per_task = 40;
  fs::path const folder = write_run(out.path, fixture);
  edit_summary(folder, [](Json& summary) { summary["arms"][0]["status"] = "failed"; });
  fs::path const log = folder / "arms/ewc/seed-0/metrics.jsonl";
  write_text(log, read_text(log) + "{\"kind\"");
  EXPECT_EQ(run("python3 " + script.string() + " " + folder.string() + " --format svg -o " + (out.path / "f").string()),
            0);
  for (char const* name : {"over_time", "final", "matrices", "training_loss"}) {
    std::string const svg = read_text(out.path / "f" / ("accuracy_" + std::string(name) + ".svg"));
    EXPECT_NE(svg.find("<svg"), std::string::npos) << name;
  }
  EXPECT_EQ(run("python3 " + script.string() + " " + out.path.string()), 3) << "no run folder";
}

}  // namespace
}  // namespace mneme::testing

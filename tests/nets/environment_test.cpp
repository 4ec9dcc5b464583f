// What every test of this program runs in: one thread, since bits depend on the number of threads; and temporary files
// in memory where the system has such a folder, since thousands of checkpoints are synced to it.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

namespace {

class Surroundings : public testing::Environment {
  void SetUp() override {
    at::set_num_threads(1);
    if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 0);
  }
};

auto* const registered = testing::AddGlobalTestEnvironment(new Surroundings);

}  // namespace

TEST(Surroundings, AreOneThread) {
  EXPECT_NE(registered, nullptr);
  EXPECT_EQ(at::get_num_threads(), 1);
}

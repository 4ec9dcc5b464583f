// Every test of this program runs on one thread: bits depend on the number of threads, and so does the time.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

namespace {

class OneThread : public testing::Environment {
  void SetUp() override { at::set_num_threads(1); }
};

auto* const registered = testing::AddGlobalTestEnvironment(new OneThread);

}  // namespace

TEST(Threads, AreOneInEveryTest) {
  EXPECT_NE(registered, nullptr);
  EXPECT_EQ(at::get_num_threads(), 1);
}

// Time: if these fail, the parts of a run's wall time do not add up, or folder names do not sort by time.
#include "mneme/core/time.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

TEST(Timestamp, IsUtcInBothForms) {
  auto const time = std::chrono::system_clock::from_time_t(1738333385);  // 2025-01-31 14:23:05 UTC
  EXPECT_EQ(utc_timestamp(TimeFormat::kIso, time), "2025-01-31T14:23:05Z");
  EXPECT_EQ(utc_timestamp(TimeFormat::kCompact, time), "20250131T142305Z");
}

TEST(PhaseClock, ChargesEachLapToOnePhase) {
  auto const before = std::chrono::steady_clock::now();
  PhaseClock clock;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  clock.lap(Lap::kForward);
  clock.lap(Lap::kBackward);
  EXPECT_GE(clock.seconds(Lap::kForward), 0.020);
  EXPECT_LT(clock.seconds(Lap::kBackward), clock.seconds(Lap::kForward));
  EXPECT_EQ(clock.seconds(Lap::kData), 0.0);
  std::chrono::duration<double> const elapsed = std::chrono::steady_clock::now() - before;
  EXPECT_LE(clock.total(), elapsed.count());
  EXPECT_NEAR(clock.total(), clock.seconds(Lap::kForward) + clock.seconds(Lap::kBackward), 1e-12);
}

TEST(PhaseClock, TimeIsCarriedOverARestore) {
  PhaseClock clock;
  Json stored = clock.to_json();
  ASSERT_EQ(stored.size(), 9u);  // eight phases and the total
  stored["forward"] = 1.25;
  stored["writing"] = 0.000000001;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  clock.restore(stored);  // the sleep counts for nothing
  EXPECT_EQ(clock.seconds(Lap::kForward), 1.25);
  EXPECT_EQ(clock.to_json()["writing"], 1e-9);
  EXPECT_NEAR(clock.total(), 1.250000001, 1e-12);
  PhaseClock again;
  again.restore(clock.to_json());
  EXPECT_EQ(again.to_json(), clock.to_json());
}

TEST(PhaseClock, ADamagedStateIsRefusedAndChangesNothing) {
  PhaseClock clock;
  Json stored = clock.to_json();
  stored["forward"] = 2.0;
  stored["writing"] = -1.0;
  EXPECT_THROW(clock.restore(stored), CheckpointError);
  stored.erase("writing");
  EXPECT_THROW(clock.restore(stored), CheckpointError);
  EXPECT_EQ(clock.seconds(Lap::kForward), 0.0);
}

}  // namespace
}  // namespace mneme

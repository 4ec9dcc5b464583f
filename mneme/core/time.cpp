#include "mneme/core/time.hpp"

#include <cmath>
#include <ctime>
#include <numeric>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

constexpr double kNanosecond = 1e-9;

}  // namespace

std::string utc_timestamp(TimeFormat format, std::chrono::system_clock::time_point time) {
  std::time_t const seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  char const* const pattern = format == TimeFormat::kIso ? "%Y-%m-%dT%H:%M:%SZ" : "%Y%m%dT%H%M%SZ";
  return {text.data(), std::strftime(text.data(), text.size(), pattern, &utc)};
}

double PhaseClock::seconds(Lap phase) const {
  return static_cast<double>(spent_[static_cast<std::size_t>(phase)]) * kNanosecond;
}

double PhaseClock::total() const {
  return static_cast<double>(std::accumulate(spent_.begin(), spent_.end(), std::int64_t{0})) * kNanosecond;
}

Json PhaseClock::to_json() const {
  Json json = {{"total", total()}};
  for (std::size_t i = 0; i < kNames.size(); ++i) json[std::string(kNames[i])] = seconds(static_cast<Lap>(i));
  return json;
}

void PhaseClock::restore(Json const& json) {
  std::array<std::int64_t, kNames.size()> spent{};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    auto const at = json.find(std::string(kNames[i]));
    constexpr double kLongest = 1e9;  // seconds, 30 years
    if (at == json.end() || !at->is_number() || !(at->get<double>() >= 0 && at->get<double>() < kLongest))
      throw CheckpointError("wall seconds: '" + std::string(kNames[i]) + "' is missing or no time");
    spent[i] = std::llround(at->get<double>() / kNanosecond);
  }
  spent_ = spent;
  last_ = Clock::now();
}

}  // namespace mneme

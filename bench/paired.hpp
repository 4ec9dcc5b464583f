// bench: how far Mneme's steps stand from the least work that they could be.
//
// Every figure is a ratio, ours : floor, from rounds that alternate in one process (floor, ours, floor, ours, …), so
// that a slow machine slows both. A round's time is the processor time of this process: what others do does not count.
#pragma once

#include <ctime>
#include <filesystem>
#include <functional>
#include <string>

namespace mneme::bench {

/// Two ways to do the same work. Each call does one round of it and returns the seconds that it took.
struct Pair {
  std::function<double()> floor, ours;
};

/// Registers a benchmark of `rounds` paired rounds; `make` is called when it runs.
void add_pair(std::string const& name, int rounds, std::function<Pair()> make);

/// Writes {name: median of the rounds' ratios} of all benchmarks that have run.
void write_ratios(std::filesystem::path const& path);

inline double processor_seconds() {
  std::timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <class Work>
double seconds_of(Work work) {
  double const begin = processor_seconds();
  work();
  return processor_seconds() - begin;
}

}  // namespace mneme::bench

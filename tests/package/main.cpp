// A user's program, small: it links both libraries and proves that their data came along.
#include <torch/types.h>

#include <iostream>

#include "mneme/core/embedded.hpp"
#include "mneme/core/version.hpp"

int main() {
  bool const has_chart = !mneme::embedded_file("report/chart.js").empty();
  double const six = torch::ones({2, 3}).sum().item<double>();
  std::cout << "mneme " << mneme::kVersion << ", sum " << six << "\n";
  return has_chart && six == 6 ? 0 : 1;
}

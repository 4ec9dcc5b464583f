// The `mneme` command. See verbs.hpp for what it can do and process.hpp for how the process is prepared.
#include <algorithm>
#include <exception>
#include <string>

#include "failure.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/core/version.hpp"
#include "process.hpp"
#include "terminal.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

int run_program(int argc, char** argv) {
  Command program("mneme", "Continual learning, lifelong generative models and unlearning.");
  bool quiet = false;
  int verbose = 0;
  program.flag("-q,--quiet", quiet, "say nothing but errors; results still go to standard output");
  program.count("-v,--verbose", verbose, "say more: logged steps and points of curves too");
  for (auto* add :
       {add_run,     add_resume, add_branch,  add_forget,     add_runs,   add_show,    add_report,    add_compare,
        add_plot,    add_eval,   add_predict, add_importance, add_sample, add_revisit, add_reproduce, add_list,
        add_explain, add_data,   add_config,  add_doctor,     add_unit,   add_docs})
    add(program);
  program.before_action([&] { set_talk(quiet ? Talk::kQuiet : verbose > 0 ? Talk::kVerbose : Talk::kNormal); });
  program.footer([] { return std::string("Begin with: mneme run demo"); });
  int const status = program.main(argc, argv, "mneme " + std::string(kVersion));
  finish_output();
  return status;
}

}  // namespace
}  // namespace mneme::app

int main(int argc, char** argv) {
  mneme::app::prepare_process(argc, argv);
  try {
    return mneme::app::run_program(argc, argv);
  } catch (std::exception const& failure) {
    return mneme::app::report_failure(failure);
  }
}

// The verbs, one file each. Every function adds its verb to the program.
#pragma once

#include "command.hpp"

namespace mneme::app {

void add_run(Command& program);
void add_resume(Command& program);
void add_branch(Command& program);
void add_forget(Command& program);
void add_runs(Command& program);
void add_show(Command& program);
void add_report(Command& program);
void add_compare(Command& program);
void add_plot(Command& program);
void add_eval(Command& program);
void add_importance(Command& program);
void add_sample(Command& program);
void add_revisit(Command& program);
void add_predict(Command& program);
void add_reproduce(Command& program);
void add_list(Command& program);
void add_explain(Command& program);
void add_data(Command& program);
void add_config(Command& program);
void add_doctor(Command& program);
void add_unit(Command& program);  // hidden: one arm and seed for `run --jobs`
void add_docs(Command& program);  // hidden: pages of documentation made from the option tables

}  // namespace mneme::app

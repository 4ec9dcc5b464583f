#include "command.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <sstream>

#include "mneme/core/errors.hpp"
#include "mneme/core/options.hpp"
#include "terminal.hpp"

namespace mneme::app {
namespace {

/// CLI11's page with the pieces that say nothing left out.
class HelpPage final : public CLI::Formatter {
 public:
  HelpPage() { column_width(34); }
  std::string make_option_opts(CLI::Option const* option) const override {
    if (option->get_type_name().empty()) return "";
    return " " + option->get_type_name();
  }
};

std::vector<std::string> flag_names(CLI::App const& app) {
  std::vector<std::string> names;
  for (auto const* option : app.get_options()) {
    for (auto const& name : option->get_lnames()) names.push_back("--" + name);
    for (auto const& name : option->get_snames()) names.push_back("-" + name);
  }
  return names;
}

}  // namespace

Command::Command(std::string const& name, std::string const& summary)
    : root_(std::make_shared<CLI::App>(summary, name)), app_(root_.get()) {
  app_->formatter(std::make_shared<HelpPage>());
  app_->set_help_flag("-h,--help", "print this page and exit");
}
Command::Command(Command&&) noexcept = default;
Command::~Command() = default;

Command& Command::verb(std::string const& name, std::string const& summary, bool hidden) {
  auto* app = app_->add_subcommand(name, summary);
  app->fallthrough();  // -q and -v may stand behind the verb too
  if (hidden) app->group("");
  verbs_.push_back(std::unique_ptr<Command>(new Command(app)));
  return *verbs_.back();
}

void Command::flag(std::string const& names, bool& value, std::string const& help) {
  app_->add_flag(names, value, help);
}

void Command::count(std::string const& names, int& value, std::string const& help) {
  app_->add_flag(names, value, help);
}

void Command::option(std::string const& names, std::string const& placeholder, std::string& value,
                     std::string const& help) {
  app_->add_option(names, value, help)->type_name(placeholder);
}

void Command::option(std::string const& names, std::string const& placeholder, std::optional<std::int64_t>& value,
                     std::string const& help) {
  app_->add_option(names, value, help)->type_name(placeholder);
}

void Command::option(std::string const& names, std::string const& placeholder, std::vector<std::string>& values,
                     std::string const& help) {
  app_->add_option(names, values, help)->type_name(placeholder)->expected(1)->take_all()->allow_extra_args(false);
}

void Command::argument(std::string const& name, std::string& value, std::string const& help, bool required) {
  app_->add_option(name, value, help)->type_name("")->required(required);
}

void Command::arguments(std::string const& name, std::vector<std::string>& values, std::string const& help,
                        bool required) {
  app_->add_option(name, values, help)->type_name("")->required(required);
}

void Command::footer(std::function<std::string()> text) { app_->footer(std::move(text)); }

void Command::action(std::function<int()> run) { run_ = std::move(run); }

Command& Command::chosen() {
  for (auto& verb : verbs_)
    if (verb->app_->parsed()) return verb->chosen();
  return *this;
}

/// CLI11 would only say that a verb is required.
void Command::check_verb(int argc, char** argv, int first) {
  if (verbs_.empty()) return;
  for (int i = first; i < argc; ++i) {
    std::string const word = argv[i];
    if (word.starts_with("-")) continue;
    std::vector<std::string> names;
    for (auto const& verb : verbs_) {
      if (verb->app_->get_name() == word) return verb->check_verb(argc, argv, i + 1);
      if (!verb->app_->get_group().empty()) names.push_back(verb->app_->get_name());
    }
    throw ConfigError("unknown verb '" + word + "': " + suggestion(word, names));
  }
}

int Command::main(int argc, char** argv, std::string const& version) {
  app_->set_version_flag("--version", version, "print the version and exit");
  check_verb(argc, argv, 1);
  try {
    app_->parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    if (error.get_exit_code() == 0) {  // help or version was asked for
      std::ostringstream text;
      app_->exit(error, text, text);
      print(text.str());
      return 0;
    }
    auto* at = chosen().app_;
    std::string message = error.what();
    for (auto const& extra : app_->remaining(true))
      if (extra.starts_with("-") && extra.size() > 1) {
        auto const name = extra.substr(0, extra.find('='));
        message = "unknown flag '" + name + "': " + suggestion(name, flag_names(*at));
        break;
      }
    std::string path = at->get_name();
    for (auto* parent = at->get_parent(); parent; parent = parent->get_parent()) path = parent->get_name() + " " + path;
    throw ConfigError(message + "\nSee `" + path + " --help`");
  }
  if (before_) before_();
  auto& verb = chosen();
  if (!verb.run_) {
    std::fputs(verb.app_->help().c_str(), stderr);
    return static_cast<int>(ExitCode::kUsage);
  }
  return verb.run_();
}

}  // namespace mneme::app

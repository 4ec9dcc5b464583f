// app: the `mneme` command. main.cpp prepares the process and calls a verb; every verb is one file, <verb>_verb.cpp.
//
// Command: how a verb names its flags and what it does. The parsing behind it is CLI11's, included in command.cpp only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace mneme::app {

class Command {
 public:
  /// The whole program.
  Command(std::string const& name, std::string const& summary);
  Command(Command&&) noexcept;
  ~Command();

  /// A verb, or a verb's verb. The reference lives as long as this object.
  Command& verb(std::string const& name, std::string const& summary, bool hidden = false);

  // `names` as in "-o,--out". What the references name must outlive the parsing and the action.
  void flag(std::string const& names, bool& value, std::string const& help);
  void count(std::string const& names, int& value, std::string const& help);
  void option(std::string const& names, std::string const& placeholder, std::string& value, std::string const& help);
  void option(std::string const& names, std::string const& placeholder, std::optional<std::int64_t>& value,
              std::string const& help);
  /// May be given several times, one value each.
  void option(std::string const& names, std::string const& placeholder, std::vector<std::string>& values,
              std::string const& help);
  void argument(std::string const& name, std::string& value, std::string const& help, bool required = true);
  void arguments(std::string const& name, std::vector<std::string>& values, std::string const& help,
                 bool required = true);

  /// Printed below the flags of --help.
  void footer(std::function<std::string()> text);
  /// What the verb does; gives the exit code. A verb without an action has verbs of its own.
  void action(std::function<int()> run);

  /// Of the whole program: called when the command line has been read.
  void before_action(std::function<void()> prepare) { before_ = std::move(prepare); }

  /// Parses and runs. --help and --version print on stdout and give 0. Throws ConfigError for a command line that does
  /// not fit, with the nearest verb or flag.
  int main(int argc, char** argv, std::string const& version);

 private:
  explicit Command(CLI::App* app) : app_(app) {}
  /// The verb that was asked for, this one or below.
  Command& chosen();
  void check_verb(int argc, char** argv, int first);

  std::shared_ptr<CLI::App> root_;
  CLI::App* app_;
  std::vector<std::unique_ptr<Command>> verbs_;
  std::function<int()> run_;
  std::function<void()> before_;
};

}  // namespace mneme::app

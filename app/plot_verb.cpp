// mneme plot: the report's figures as files, by plot.py and the user's own Python with matplotlib.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "mneme/core/embedded.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/core/files.hpp"
#include "mneme/report/run_folder.hpp"
#include "terminal.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace fs = std::filesystem;
namespace {

struct PlotFlags {
  std::string run, format, out;
  bool script = false;
};

/// A folder that goes with this object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    auto pattern = (fs::temp_directory_path() / "mneme-plot-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw IoError(pattern + ": cannot be made: " + std::strerror(errno));
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(TemporaryFolder const&) = delete;
  TemporaryFolder& operator=(TemporaryFolder const&) = delete;
  [[nodiscard]] fs::path const& path() const { return path_; }

 private:
  fs::path path_;
};

int run_python(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t process = 0;
  if (::posix_spawnp(&process, argv.front(), nullptr, nullptr, argv.data(), environ) != 0)
    throw ConfigError(
        "plot needs Python 3 with matplotlib, and there is no python3 on the PATH. Install it, or run the "
        "script elsewhere: mneme plot --script > plot.py");
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int plot(PlotFlags const& flags) {
  if (flags.script) {
    print(embedded_file("plot.py"));
    return 0;
  }
  if (flags.run.empty()) throw ConfigError("plot: name the run's folder; `mneme runs` lists them");
  if (std::vector<std::string> const known = {"", "svg", "png", "pdf"};
      std::find(known.begin(), known.end(), flags.format) == known.end())
    throw ConfigError("--format " + flags.format + ": svg, png or pdf");
  static_cast<void>(RunFolder::read(flags.run));  // a folder that is no run is the user's first problem, not matplotlib
  TemporaryFolder const folder;
  auto const script = folder.path() / "plot.py";
  write_file(script, embedded_file("plot.py"));
  std::vector<std::string> words = {"python3", script.string(), flags.run};
  if (!flags.format.empty()) words.insert(words.end(), {"--format", flags.format});
  if (!flags.out.empty()) words.insert(words.end(), {"-o", flags.out});
  return run_python(words);
}

}  // namespace

void add_plot(Command& program) {
  auto const flags = std::make_shared<PlotFlags>();
  auto& verb = program.verb("plot", "the figures of a run as SVG, PNG or PDF, drawn by your Python's matplotlib");
  verb.argument("run", flags->run, "the run's folder", false);
  verb.option("--format", "svg|png|pdf", flags->format, "format of the figures (default svg)");
  verb.option("-o,--output", "DIR", flags->out, "where the figures go (default: figures/ in the run's folder)");
  verb.flag("--script", flags->script, "print the script that draws them, to be changed by you");
  verb.action([flags] { return plot(*flags); });
}

}  // namespace mneme::app

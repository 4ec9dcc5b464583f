// mneme sample: pictures that a stored generative learner draws, by domain and class where it can be asked for them.
#include <cmath>
#include <filesystem>
#include <memory>

#include "inputs.hpp"
#include "load.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/experiment/domain_sheets.hpp"
#include "mneme/experiment/drawing.hpp"
#include "mneme/experiment/sheet.hpp"
#include "mneme/train/trainer.hpp"
#include "stored.hpp"
#include "terminal.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

constexpr std::int64_t kMost = 10'000;

struct SampleFlags {
  ArmFlags arm;
  std::string domain, of_class, from, to, out;
  std::optional<std::int64_t> count, columns, noise;
  std::vector<std::string> folders;
};

std::int64_t in_range(std::optional<std::int64_t> value, std::int64_t otherwise, std::int64_t least, std::int64_t most,
                      std::string const& flag) {
  auto const number = value.value_or(otherwise);
  if (number < least || number > most)
    throw ConfigError(flag + " " + std::to_string(number) + ": expected a number from " + std::to_string(least) +
                      " to " + std::to_string(most));
  return number;
}

/// Between two pictures of one's own.
int walk(SampleFlags const& flags) {
  if (flags.from.empty() || flags.to.empty())
    throw ConfigError("--from and --to name two pictures; one of them is missing");
  if (!flags.domain.empty() || !flags.of_class.empty() || flags.count || flags.columns || flags.noise)
    throw ConfigError(
        "--from and --to draw what lies between two pictures; leave out --domain, --class, --count, "
        "--columns and --noise");
  if (!flags.out.ends_with(".png"))
    throw ConfigError("-o " + flags.out + ": a picture is written as PNG; let its name end in .png");
  DataLibrary library(with_stored_folders(data_search(flags.folders), flags.arm.run));
  auto const arm = load_stored(flags.arm, library);
  auto const* model = dynamic_cast<Recalls const*>(arm.loaded.learner.get());
  if (model == nullptr || !model->encodes())
    throw ConfigError(
        "--from, --to: the run's learner is a " + arm.loaded.learner->kind() +
        ", which has no code of a picture to go from; an lgaa that encodes has (model \"lgaa\" or \"vae\")");
  auto const image = [&](std::string const& file) {
    auto const found = unlabelled_input({file}, "", arm, library).x;
    if (found.size(0) != 1) throw DataError(file + ": holds " + std::to_string(found.size(0)) + " pictures; give one");
    return found.to(arm.loaded.learner->parameters().device());
  };
  auto const sheet = walk_sheet(*model, image(flags.from), image(flags.to));
  write_sheet(flags.out, sheet.images, sheet.columns);
  say(sheet.what);
  print(flags.out + "\n");
  return 0;
}

int sample(SampleFlags const& flags) {
  if (flags.out.empty()) throw ConfigError("-o: missing; name the PNG file to write, or a folder");
  if (!flags.from.empty() || !flags.to.empty()) return walk(flags);
  bool const exists = std::filesystem::is_directory(flags.out), folder = exists || flags.out.ends_with('/');
  if (folder && flags.columns) throw ConfigError("--columns: of one picture; " + flags.out + " is a folder of many");
  if (exists && !std::filesystem::is_empty(flags.out))
    throw ConfigError("-o " + flags.out + ": holds files already, which images would be mixed with; name a new folder");
  if (!folder && !flags.out.ends_with(".png"))
    throw ConfigError("-o " + flags.out + ": a picture is written as PNG; let its name end in .png");
  auto const count = in_range(flags.count, 64, 1, kMost, "--count");
  auto const square = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(count))));
  auto const columns = std::min(count, in_range(flags.columns, square, 1, kMost, "--columns"));
  auto const seed = in_range(flags.noise, 0, 0, std::int64_t{1} << 53, "--noise");
  DataLibrary library(with_stored_folders(data_search(flags.folders), flags.arm.run));
  auto arm = load_stored(flags.arm, library);
  auto const done = arm.loaded.trainer->events_trained();
  auto const drawing = draw(
      arm.loaded,
      {.domain = flags.domain, .of_class = flags.of_class, .count = count, .seed = static_cast<std::uint64_t>(seed)});
  if (folder) {
    write_each(flags.out, drawing.images);
  } else {
    write_sheet(flags.out, drawing.images, columns);
  }
  if (done < static_cast<std::int64_t>(arm.loaded.stream.events.size()))
    say("note: the learner as it was after " + std::to_string(done) + " of " +
        std::to_string(arm.loaded.stream.events.size()) + " events");
  say(std::to_string(count) + " images, " + drawing.what);
  print(flags.out + "\n");
  return 0;
}

}  // namespace

void add_sample(Command& program) {
  auto const flags = std::make_shared<SampleFlags>();
  auto& verb = program.verb("sample", "draw images with a stored generative learner, by domain and class");
  add_arm_flags(verb, flags->arm);
  verb.option("--domain", "NAME", flags->domain,
              "what to draw of: a task of the run, such as the name of a data set, or its number from 0 (default: all "
              "that were learnt, in turn)");
  verb.option("--class", "NAME", flags->of_class,
              "the class to draw, by name or number from 0 (default: all that were learnt and not forgotten, in turn)");
  verb.option("--count", "N", flags->count, "how many images (default 64)");
  verb.option("--columns", "N", flags->columns, "images in a row (default: as many as there are rows)");
  verb.option("--noise", "N", flags->noise, "seed of the codes: the same number, the same images (default 0)");
  verb.option(
      "--from", "FILE", flags->from,
      "instead: a picture to begin with (of an lgaa): what its code, its class, its domain and all of them become "
      "on the way to that of --to, a row each");
  verb.option("--to", "FILE", flags->to, "the picture to end with");
  verb.option("-o,--output", "PATH", flags->out,
              "the PNG file to write, or a folder (existing, or with / at its end) for a file of each image");
  verb.option("--data", "DIR", flags->folders, "folder with the run's data sets, as for `mneme run`");
  verb.action([flags] { return sample(*flags); });
}

}  // namespace mneme::app

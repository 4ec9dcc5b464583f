#include "mneme/data/sample.hpp"

#include <algorithm>

#include "mneme/core/embedded.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/data/catalogue.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/sha256.hpp"

namespace mneme {

std::vector<std::string> sample_names() { return {"mnist", "fashion-mnist"}; }

LabelledData load_sample(std::string const& name, std::string const& split) {
  auto const& entry = find_dataset(name);
  auto const names = sample_names();
  if (std::find(names.begin(), names.end(), entry.name) == names.end()) {
    throw ConfigError("there is no embedded sample of '" + name + "'; samples: " + join(names));
  }
  if (split != "train" && split != "test") {
    throw ConfigError("unknown split '" + split + "' of the sample of '" + entry.name + "': 'train' or 'test'");
  }
  Sha256 hash;
  auto const part = [&](std::string const& kind) {
    std::string const file = "sample/" + entry.name + "-" + split + "-" + kind + ".idx.gz";
    auto const bytes = gunzip(as_bytes(embedded_file(file)), file);
    hash.update(bytes);
    return bytes;
  };
  auto const images = part("images"), labels = part("labels");
  std::string const title = "sample of " + entry.name;
  auto data =
      join_idx(parse_idx(images, title), parse_idx_integers(labels, title), title, {.class_names = entry.class_names});
  data.sha256 = hash.hex();
  return data;
}

}  // namespace mneme

#include "mneme/io/omniglot.hpp"

#include <sstream>

#include "mneme/core/errors.hpp"
#include "mneme/io/image_file.hpp"
#include "tests/io/make_files.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

/// A picture of 2 x 2 equal pixels.
std::string png(TemporaryFolder const& folder, std::uint8_t value) {
  std::vector<std::uint8_t> const pixels(4, value);
  write_png(folder.path() / "p.png", 2, 2, 1, pixels);
  return contents(folder.path() / "p.png");
}

class Omniglot : public testing::Test {
 protected:
  LabelledData read(std::vector<std::vector<ZipPart>> const& archives, OmniglotOptions const& options = {}) {
    std::vector<std::filesystem::path> paths;
    for (auto const& parts : archives)
      paths.push_back(folder_.put("a" + std::to_string(paths.size()) + ".zip", make_zip(parts)));
    return read_omniglot(paths, options);
  }
  ZipPart part(std::string const& name, std::uint8_t value) { return {name, png(folder_, value)}; }

  TemporaryFolder folder_;
};

TEST_F(Omniglot, RowsAreSortedStrokesBrightAndDoublesDropped) {
  auto const data =
      read({{part("s1/Greek/character02/0002_01.png", 30),
             part("s1/Greek/character01/0001_02.png", 20),
             part("s1/Greek/character01/0001_01.png", 10),
             {"s1/Greek/", ""},
             {"s1/notes.txt", "x"}},
            {part("s2/Greek/character01/0001_01.png", 10), part("s2/Latin/character01/0009_01.png", 40)}});
  EXPECT_EQ(data.shape, (std::vector<std::int64_t>{4, 1, 2, 2}));
  EXPECT_EQ(data.labels, (std::vector<std::int64_t>{0, 0, 1, 2}));
  EXPECT_EQ(data.class_names,
            (std::vector<std::string>{"Greek/character01", "Greek/character02", "Latin/character01"}));
  for (std::size_t row = 0; row < 4; ++row) EXPECT_EQ(data.pixels[4 * row], 255 - 10 * (row + 1)) << row;
}

TEST_F(Omniglot, AlphabetsAndDrawingsAreChosen) {
  std::vector<ZipPart> parts;
  for (std::string const alphabet : {"Greek", "Latin"})
    for (int drawing = 1; drawing <= 3; ++drawing)
      parts.push_back(part("s/" + alphabet + "/character01/0001_0" + std::to_string(drawing) + ".png",
                           static_cast<std::uint8_t>(drawing)));
  auto const data = read({parts}, {.alphabets = true, .first_drawing = 2, .last_drawing = 3});
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"Greek", "Latin"}));
  EXPECT_EQ(data.labels, (std::vector<std::int64_t>{0, 0, 1, 1}));
  EXPECT_EQ(data.pixels.front(), 253) << "the first drawing is of the other part";
  EXPECT_EQ(read({parts}, {.size = 5}).shape, (std::vector<std::int64_t>{6, 1, 5, 5}));
}

TEST_F(Omniglot, DamageIsNamedWithTheArchive) {
  expect_mentions(message_of<DataError>([&] { read({{{"notes.txt", "x"}}}); }), {"a0.zip", "no drawings"});
  expect_mentions(message_of<DataError>([&] { read({{part("s/Greek/character01/first.png", 1)}}); }),
                  {"a0.zip", "Greek/character01/first.png", "<number>_<drawing>.png"});
  expect_mentions(message_of<DataError>([&] {
                    read({{{"s/Greek/character01/0001_01.png", "no picture"}}});
                  }),
                  {"a0.zip", "0001_01.png"});
  expect_mentions(message_of<DataError>([] { read_omniglot({"/nonexistent.zip"}); }), {"/nonexistent.zip"});
  expect_mentions(message_of<DataError>([&] { read_omniglot({folder_.put("b.zip", "no zip")}); }), {"b.zip"});
}

}  // namespace
}  // namespace mneme

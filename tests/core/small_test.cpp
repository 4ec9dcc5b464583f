// The small parts of core: seeds, numbers as text, registry lookup, the interrupt flag.
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <limits>

#include "message_of.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/core/interrupt.hpp"
#include "mneme/core/registry.hpp"
#include "mneme/core/seed.hpp"
#include "mneme/core/text.hpp"

namespace mneme {
namespace {

// If it fails, no earlier run can be repeated. Values of an independent implementation; the first two are the published
// ones of SplitMix64 and FNV-1a.
TEST(Seed, GoldenValuesNeverChange) {
  EXPECT_EQ(splitmix64(0), 0xE220A8397B1DCDAFu);
  EXPECT_EQ(fnv1a("foobar"), 0x85944171F73967E8u);
  EXPECT_EQ(stream_seed(0, "init"), 0xF210EEFD1AE174DAu);
  EXPECT_EQ(stream_seed(1, "init"), 0xEB31BF8812B06DFBu);
  EXPECT_EQ(stream_seed(1, "data"), 0xB059A542825FD26Du);
  EXPECT_EQ(stream_seed(std::numeric_limits<std::uint64_t>::max(), "eval"), 0xC2E2870D7A33712Eu);
}

// If it fails, logged numbers are not the numbers that were computed.
TEST(Text, NumbersAreShortAndReadBack) {
  EXPECT_EQ(format_number(0.1), "0.1");
  EXPECT_EQ(format_number(-3), "-3");
  EXPECT_EQ(format_number(1e20), "1e+20");
  EXPECT_EQ(format_number(-std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(parse_number("1e+20"), 1e20);
  EXPECT_EQ(parse_number(format_number(1.0 / 3)), 1.0 / 3);
  for (auto const* const bad : {"", " 1", "1 ", "x", "1,5", "+1"}) EXPECT_EQ(parse_number(bad), std::nullopt) << bad;
}

TEST(Text, JoinPutsSeparatorsBetween) {
  EXPECT_EQ(join(std::vector<std::string>{"a", "b"}), "a, b");
  EXPECT_EQ(join(std::vector<std::string>{}), "");
}

// If it fails, a part is not found by its alias, or a wrong name is not helped.
TEST(Registry, FindsByNameAndAliasAndSuggests) {
  struct Row {
    PartInfo info;
  };
  std::array<Row const, 2> const rows = {Row{{.name = "ewc", .aliases = {"elastic"}, .summary = ""}},
                                         Row{{.name = "naive", .summary = ""}}};
  std::span<Row const> const table(rows);
  EXPECT_EQ(&find_row(table, "strategy", "naive"), &rows[1]);
  EXPECT_EQ(&find_row(table, "strategy", "elastic"), &rows[0]);
  EXPECT_EQ(message_of<ConfigError>([&] { find_row(table, "strategy", "nave"); }),
            "unknown strategy 'nave': did you mean 'naive'? known: ewc, naive");
}

// If it fails, Ctrl-C is not seen by the training loop.
TEST(Interrupt, AHandlerCanStoreTheSignal) {
  auto* const before = std::signal(SIGUSR1, [](int signal) { interrupt_signal().store(signal); });
  EXPECT_EQ(interrupt_signal().load(), 0);
  std::raise(SIGUSR1);
  EXPECT_EQ(interrupt_signal().exchange(0), SIGUSR1);
  std::signal(SIGUSR1, before);
}

// Wrong: a comma in a task's name shifts the columns of the CSV.
TEST(Text, CsvFieldsAreQuotedWhereTheyMust) {
  EXPECT_EQ(csv_field("plain"), "plain");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"x\""), "\"say \"\"x\"\"\"");
}

}  // namespace
}  // namespace mneme

#include "hemiola/table/sampling.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"
#include "hemiola/table/table_set.h"

namespace hemiola {
namespace {

std::string mistake(std::string_view text) {
  try {
    parse_sampling(text);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(SamplingTest, What_is_written_is_read_back) {
  for (const char* text : {"independent", "pool(16, 250)", "pool(1, 3)", "postponed", "local"}) {
    EXPECT_EQ(parse_sampling(text).name(), text);
  }
  EXPECT_EQ(parse_sampling("pool").name(), "pool(16, 250)");
  EXPECT_EQ(parse_sampling("pool( 4,1000 )").name(), "pool(4, 1000)");
}

TEST(SamplingTest, Each_rule_says_what_it_preserves) {
  EXPECT_EQ(parse_sampling("independent").preserves(), "conforming");
  EXPECT_EQ(parse_sampling("pool").preserves(), "bounded");
  EXPECT_EQ(parse_sampling("postponed").preserves(), "long-term");
  EXPECT_EQ(parse_sampling("local").preserves(), "none");
}

TEST(SamplingTest, A_mistake_is_answered_with_what_would_be_right) {
  EXPECT_EQ(mistake("naive"),
            "unknown sampling `naive`: use independent, pool, pool(U, G), postponed or local");
  for (const char* text : {"pool(", "pool()", "pool(3)", "pool(3,)", "pool(3, 4", "pool(3, 4) ",
                           "pool(-1, 4)", "pool(x, 4)", "pool(3; 4)", "pool(99999999999, 4)"}) {
    EXPECT_NE(mistake(text).find("as in `pool(16, 250)`"), std::string::npos) << text;
  }
  EXPECT_EQ(mistake("pool(0, 9)"),
            "`pool(0, 9)` would use a draw 0 times; it must be 1 to 10000 times");
  EXPECT_EQ(mistake("pool(9, 0)"),
            "`pool(9, 0)` has groups of 0 draws; they must have 1 to 10000000");
}

std::vector<TableOptions> one_table(const char* staleness, bool strict = false) {
  TableOptions table;
  table.spec = {"words", 10, 3, 0, {}};
  table.staleness = parse_staleness(staleness);
  table.staleness.strict = strict;
  return {table};
}

std::string refusal(uint32_t table, uint32_t first, uint32_t count, SamplingRule rule = {},
                    bool strict = false, uint32_t nodes = 2) {
  const SamplerSpec spec{"negatives", TableId{table}, Key{first}, count, nullptr};
  try {
    TableSet(one_table("bsp", strict), {NodeId{0}, nodes, 1}, {{spec}, rule, 1});
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(SamplingTest, A_sampler_draws_from_a_table_that_there_is_and_from_keys_that_it_has) {
  EXPECT_EQ(refusal(0, 2, 8), "");
  EXPECT_EQ(refusal(1, 0, 5),
            "sampler `negatives` draws from table number 1, but there are 1 tables");
  EXPECT_EQ(refusal(0, 2, 9),
            "sampler `negatives` draws keys up to 10 from table `words`, which has 10 rows");
  EXPECT_EQ(refusal(0, 2, UINT32_MAX),
            "sampler `negatives` draws keys up to 4294967296 from table `words`, which has 10 "
            "rows");
  EXPECT_EQ(refusal(0, 2, 0), "sampler `negatives` has no keys to draw from");
}

TEST(SamplingTest, What_depends_on_which_rows_have_come_is_refused_where_bits_must_repeat) {
  const bool strict = true;
  for (const char* rule : {"postponed", "local"}) {
    EXPECT_EQ(
        refusal(0, 0, 10, parse_sampling(rule), strict),
        std::string("table `words` is strict: its results are the same each time. Sampling `") +
            rule + "` goes by which rows have come, which is not; use independent or pool");
    EXPECT_EQ(refusal(0, 0, 10, parse_sampling(rule), !strict), "");
    EXPECT_EQ(refusal(0, 0, 10, parse_sampling(rule), strict, 1), "");
  }
  EXPECT_EQ(refusal(0, 0, 10, parse_sampling("pool"), strict), "");
}

}  // namespace
}  // namespace hemiola

#include "hemiola/models/word2vec_rows.h"

#include <gtest/gtest.h>

#include <set>

#include "hemiola/models/local_parameters.h"

namespace hemiola {
namespace {

TEST(Word2VecRows, Each_row_is_asked_for_once_and_found_at_its_words_place) {
  TableSpec spec;
  spec.name = "rows";
  spec.rows = 5000;
  spec.row_length = 4;
  LocalTables tables({&spec, 1}, false);
  LocalParameters params(tables, true);
  Word2VecRows rows(5000);
  Random random(1);
  for (const size_t n : {1, 2, 1000, 17}) {
    std::vector<uint32_t> words(n);
    for (uint32_t& w : words) w = static_cast<uint32_t>(random.below(n > 100 ? 300 : 5000));
    const auto wanted = words;
    const size_t before = params.fetched();
    rows.fetch(TableId{0}, words, params);
    const std::set<uint32_t> different(wanted.begin(), wanted.end());
    EXPECT_EQ(params.fetched() - before, different.size());
    EXPECT_EQ(rows.size(), different.size());
    for (size_t i = 0; i < n; ++i) {
      EXPECT_EQ(rows.places().at[words[i]], tables.row(TableId{0}, Key{wanted[i]}).data());
    }
  }
}

}  // namespace
}  // namespace hemiola

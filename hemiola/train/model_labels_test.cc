#include "hemiola/train/model_labels.h"

#include <gtest/gtest.h>

#include "hemiola/train/model_for_test.h"

namespace hemiola {
namespace {

std::vector<std::vector<float>> rows(size_t n) { return std::vector<std::vector<float>>(n, {1}); }

struct Labelled {
  Labelled(const std::string& kind, const TestTable& table) {
    Manifest about;
    about.model = kind;
    if (kind == "mf") about.facts["users"] = 2;
    save_model(folder.path("model"), about, {table});
    const ModelReader model(folder.path(""));
    labels = std::make_unique<RowLabels>(model, model.manifest().tables[0]);
  }
  std::string said(const std::string& name) {
    return refusal_of([&] { labels->find(name); });
  }

  test::TempFolder folder;
  std::unique_ptr<RowLabels> labels;
};

TEST(ModelLabels, A_name_is_found_and_a_missing_one_is_told_with_those_near_it) {
  Labelled names(
      "word2vec",
      {"words", rows(7), {"cat", "dog.n.01", "dog.n.02", "dogs", "Paris", "a b", "don"}});
  EXPECT_EQ(names.labels->find("dog.n.02"), 2U);
  EXPECT_EQ(names.labels->find("a b"), 5U);
  EXPECT_EQ(names.labels->label(4), "Paris");
  EXPECT_TRUE(names.labels->has_names());
  const std::string begin = "no row of table `words` is called ";
  EXPECT_EQ(names.said("dog"), begin + "`dog`; near it are `dog.n.01`, `dog.n.02`, `dogs`");
  EXPECT_EQ(names.said("paris"), begin + "`paris`; near it are `Paris`");
  EXPECT_EQ(names.said("dgo.n.01"), begin + "`dgo.n.01`; near it are `dog.n.01`, `dog.n.02`");
  EXPECT_EQ(names.said("elephant"), begin + "`elephant`");
  EXPECT_EQ(names.said(""), begin + "``");
  EXPECT_EQ(names.labels->kin(3).begin, 0U);
  EXPECT_EQ(names.labels->kin(3).end, 7U);
}

TEST(ModelLabels, Rows_without_names_are_called_by_their_numbers) {
  Labelled numbers("linear", {"weights", rows(3), {}});
  EXPECT_EQ(numbers.labels->find("2"), 2U);
  EXPECT_EQ(numbers.labels->label(2), "2");
  EXPECT_FALSE(numbers.labels->has_names());
  for (const char* wrong : {"3", "-1", "x", "", "1 ", "99999999999"}) {
    EXPECT_EQ(numbers.said(wrong), "`" + std::string(wrong) +
                                       "` is no row of table `weights`: they have no names, only "
                                       "numbers from 0 to 2");
  }
}

TEST(ModelLabels, Users_and_items_are_told_apart) {
  Labelled both("mf", {"factors", rows(5), {}});
  EXPECT_EQ(both.labels->find("user 1"), 1U);
  EXPECT_EQ(both.labels->find("item 2"), 4U);
  EXPECT_EQ(both.labels->label(1), "user 1");
  EXPECT_EQ(both.labels->label(2), "item 0");
  EXPECT_EQ(both.labels->kin(1).end, 2U);
  EXPECT_EQ(both.labels->kin(2).begin, 2U);
  for (const char* wrong : {"user 2", "item 3", "1", "user", "item x"}) {
    EXPECT_EQ(both.said(wrong), "`" + std::string(wrong) +
                                    "` is no row of table `factors`: its rows are `user 0` to "
                                    "`user 1` and `item 0` to `item 2`");
  }
}

}  // namespace
}  // namespace hemiola

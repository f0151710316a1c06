#include "hemiola/train/data_sets.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "hemiola/core/check.h"
#include "hemiola/data/fashion_mnist.h"
#include "hemiola/data/temp_folder.h"
#include "hemiola/data/triples.h"

namespace hemiola {
namespace {

TEST(DataSets, An_unknown_name_is_told_with_the_nearest) {
  const auto error = [](const std::string& name) {
    try {
      make_data_set(name, "none", 1);
    } catch (const UserError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_EQ(error("wordnt"), "unknown data set `wordnt`: did you mean `wordnet`?");
  EXPECT_EQ(error("imagenet22k"), "unknown data set `imagenet22k`; `hemiola data` lists them");
}

TEST(DataSets, All_of_them_are_listed) {
  EXPECT_NE(data_sets_help().find("wordnet  knowledge graph"), std::string::npos);
  EXPECT_NE(data_sets_help().find("fashion-mnist  pictures"), std::string::npos);
}

TEST(DataSets, Wordnet_is_made_as_files_that_can_be_trained_on) {
  if (!std::filesystem::exists("/usr/share/wordnet/data.noun")) {
    GTEST_SKIP() << "wordnet-base is not installed";
  }
  const test::TempFolder place;
  const std::string folder = place.path("wordnet");
  const std::string said = make_data_set("wordnet", folder, 3);
  EXPECT_NE(said.find("3134 to test"), std::string::npos) << said;
  const TripleData data =
      read_triples(folder + "/train.txt", folder + "/valid.txt", folder + "/test.txt");
  EXPECT_EQ(data.test.size(), 3134u);
  EXPECT_EQ(data.trained_entities, data.entities.size());
  EXPECT_NE(data.entities.find("dog.n.01"), Dictionary::kNone);
}

TEST(DataSets, Fashion_mnist_is_made_as_files_that_can_be_trained_on) {
  if (!std::filesystem::exists(fashion_mnist_train())) {
    GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  }
  const test::TempFolder place;
  const std::string folder = place.path("fashion");
  const std::string said = make_data_set("fashion-mnist", folder, 1);
  EXPECT_NE(said.find("60000 images to train on, 10000 to test"), std::string::npos) << said;
  EXPECT_EQ(read_images(folder + "/t10k-images-idx3-ubyte", "").size(), 10'000u);
}

}  // namespace
}  // namespace hemiola

#include "hemiola/train/setting_list.h"

#include <gtest/gtest.h>

#include <set>

namespace hemiola {
namespace {

TEST(SettingList, Every_key_is_there_once_and_in_one_of_the_sections) {
  const std::set<std::string_view> sections = {"job",  "data",    "model",     "train",
                                               "sync", "cluster", "checkpoint"};
  std::set<std::string_view> keys;
  for (const Setting& s : all_settings()) {
    EXPECT_TRUE(keys.insert(s.key).second) << s.key;
    EXPECT_TRUE(sections.contains(s.key.substr(0, s.key.find('.')))) << s.key;
    EXPECT_FALSE(s.effect.empty()) << s.key;
  }
}

}  // namespace
}  // namespace hemiola

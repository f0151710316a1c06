#include "hemiola/average/rule.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

TEST(AverageRule, A_name_is_read_back) {
  for (const char* text :
       {"allreduce", "local(8)", "outer(500)", "groups(4, 3)", "groups(4, 4)", "gossip",
        "gossip(2)", "pushsum(4)", "consensus", "backup", "backup(search)"}) {
    EXPECT_TRUE(names_average(text)) << text;
    EXPECT_EQ(parse_average(text).name(), text);
  }
  EXPECT_EQ(parse_average(" groups( 4 ,3 )").name(), "groups(4, 3)");
  EXPECT_EQ(parse_average("groups(5)").enough, 5u);
}

TEST(AverageRule, Schemes_of_tables_are_none_of_these) {
  for (const char* text : {"bsp", "ssp(3)", "async", "shared", "", "("}) {
    EXPECT_FALSE(names_average(text)) << text;
  }
}

TEST(AverageRule, What_cannot_be_is_refused_with_what_would_be_right) {
  for (const char* text : {"local", "local()", "local(0)", "local(x)", "local(3", "outer(1,2)",
                           "groups", "groups(3,4)", "groups(4,1)", "groups(4,0)", "allreduce(2)",
                           "backup(tree)", "consensus()", "pushsum(-1)", "gossip(99999999999)"}) {
    try {
      parse_average(text);
      FAIL() << text;
    } catch (const UserError& e) {
      EXPECT_NE(std::string(e.what()).find("; write "), std::string::npos) << e.what();
    }
  }
  EXPECT_THROW(parse_average("ssp(3)"), UserError);
}

}  // namespace
}  // namespace hemiola

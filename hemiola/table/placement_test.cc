#include "hemiola/table/placement.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

TEST(PlacementTest, Every_name_is_read_back_as_it_was) {
  for (const char* name :
       {"static", "relocate", "replicate", "replicate(100)", "nups", "nups(7)", "intent"}) {
    EXPECT_EQ(parse_placement(name).name(), name);
  }
}

TEST(PlacementTest, What_is_no_placement_is_refused_with_the_list_of_them) {
  for (const char* text : {"", "dynamic", "nups()", "nups(0)", "nups(x)", "replicate(-1)",
                           "relocate(3)", "nups(99999999999)"}) {
    EXPECT_THROW(parse_placement(text), UserError) << text;
  }
}

}  // namespace
}  // namespace hemiola

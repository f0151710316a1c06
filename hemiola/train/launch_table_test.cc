#include "hemiola/train/launch_table.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

TEST(ExitTable, Has_a_line_for_each_process_in_order_of_nodes_and_time) {
  EXPECT_EQ(exit_table({{2, 41, "here", "done", 12.34, 1},
                        {10, 7, "b.example", "left", 3, 0},
                        {2, 40, "here", "signal 9 (Killed)", 4.06, 0}}),
            "  node  process  host       after   restarts  how it ended\n"
            "  2     40       here       4.1 s   0         signal 9 (Killed)\n"
            "  2     41       here       12.3 s  1         done\n"
            "  10    7        b.example  3.0 s   0         left\n");
}

}  // namespace
}  // namespace hemiola

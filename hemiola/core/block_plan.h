// How the training data are cut into blocks that are dealt out to workers.
#pragma once

#include <cstdint>
#include <vector>

namespace hemiola {

// Two blocks that share a group (a row group or a column group) touch the same rows, so the
// dealer avoids giving them out at the same time. kNoGroup: conflicts with nobody.
struct BlockSpec {
  static constexpr uint32_t kNoGroup = UINT32_MAX;

  uint32_t examples = 0;
  uint32_t row_group = kNoGroup;
  uint32_t column_group = kNoGroup;
};

struct BlockPlan {
  std::vector<BlockSpec> blocks;

  // Blocks are dealt in the order they have here, in each pass: for learning rates that fall from
  // block to block. Else in an order drawn for each pass.
  bool in_order = false;
};

}  // namespace hemiola

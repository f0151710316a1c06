// Which rows of a table are hot: wanted so often that everyone had better hold them.
//
// Each node counts in how many of its clocks a row was wanted and tells the row's home those that
// stand out; the home decides for its rows. No file of frequencies is needed beforehand.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "hemiola/core/arena.h"
#include "hemiola/table/keeper_messages.h"
#include "hemiola/table/placement.h"

namespace hemiola {

class Heat {
 public:
  Heat(Placement placement, uint32_t rows, uint32_t nodes, uint32_t workers);

  // A worker began to want these rows.
  void count(std::span<const Key> keys);
  void clock() { ++clocks_; }

  // Enough has been counted since the last report, or as much of one row as can be.
  bool due() const { return counted_ >= next_report_ || full_; }
  // What stands out, by home; counting begins anew.
  std::vector<std::vector<HeatRecord>> report(const class Partition& partition);

  // As home: takes a report in; then the rows that became hot and those that are so no more.
  void take(std::span<const HeatRecord> records);
  struct Verdict {
    std::vector<Key> hot, cold;
  };
  Verdict decide();

 private:
  // Shares of a node's clocks, on average over the nodes. A row that is wanted so often would be
  // taken from one node by another while the first still needs it.
  static constexpr float kHot = 0.02F;
  static constexpr float kCold = 0.005F;

  Placement placement_;
  uint32_t nodes_;
  uint32_t workers_;
  Arena<uint16_t> counts_;
  uint64_t counted_ = 0;
  uint64_t next_report_ = 4096;
  uint64_t clocks_ = 0;
  bool full_ = false;
  std::unordered_map<Key, float> shares_;  // homed rows: sum over reports since the last decision
  std::unordered_map<Key, bool> hot_;      // homed rows that are hot
};

}  // namespace hemiola

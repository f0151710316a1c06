// What of a job's work is done: passes are worked in order, each block of a pass once; and what it
// has gone through. Every node keeps one, so that whoever leads next knows where to go on.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "hemiola/cluster/history.h"
#include "hemiola/core/types.h"
#include "hemiola/core/wire.h"

namespace hemiola {

// A block that is done, and what came of it: numbers that are added up over the blocks of a pass.
struct BlockDone {
  uint32_t block = 0;
  std::vector<double> values;
};

// What a pass came to.
struct PassTotals {
  std::vector<double> blocks;   // the blocks' values, added up in order of block
  std::vector<double> reduced;  // what the workers brought to its end, added up
  double ended = 0;             // seconds since the job began
};

class Agenda {
 public:
  uint32_t pass() const { return static_cast<uint32_t>(totals_.size()); }
  const std::vector<PassTotals>& totals() const { return totals_; }
  // Of the pass under way.
  const std::map<uint32_t, std::vector<double>>& done() const { return done_; }
  bool has(uint32_t block) const { return done_.contains(block); }
  History& history() { return history_; }
  const History& history() const { return history_; }

  // Of another pass than the one under way: changes nothing. The first word about a block counts.
  void add(uint32_t pass, const BlockDone& done);
  // What another node knows: the later pass counts; of the same pass, what either knows.
  void merge(const Agenda& other);
  // Ends the pass under way.
  PassTotals close(std::vector<double> reduced, double ended);
  // Ends pass `pass` as another node did. Of another pass: changes nothing.
  void close(uint32_t pass, const PassTotals& totals);

  void encode(Writer& out) const;
  // Check `in` after it.
  static Agenda decode(Reader& in);

 private:
  std::vector<PassTotals> totals_;  // by pass
  std::map<uint32_t, std::vector<double>> done_;
  History history_;
};

void encode(Writer& out, const std::vector<BlockDone>& blocks);
std::vector<BlockDone> decode_blocks(Reader& in);
void encode(Writer& out, const PassTotals& totals);
PassTotals decode_totals(Reader& in);

}  // namespace hemiola

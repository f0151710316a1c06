// Who works on which block of the training data, and when.
//
// Dynamic: a worker that asks gets the best of the blocks left, so the slow do fewer. Blocks
// that share a row group or a column group touch the same rows; as in grid-blocked matrix
// factorisation the dealer keeps such blocks apart in time, and a worker in its row group, where
// the rows are warm. It never lets a worker idle while blocks are left.
// Fixed: block b is worker b mod P's, in an order that depends on the pass: nothing to decide.
//
// Invariant: in each pass each block is given exactly once, those that were done before not at all.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hemiola/cluster/agenda.h"
#include "hemiola/core/block_plan.h"
#include "hemiola/core/types.h"

namespace hemiola {

// Tells different plans apart, so that nodes that cut their data differently are found out.
uint64_t hash_of(const BlockPlan& plan);

// 0 .. blocks-1, shuffled by seed and pass unless in_order: the order in which blocks are dealt.
std::vector<uint32_t> deal_order(uint32_t blocks, uint64_t seed, uint32_t pass,
                                 bool in_order = false);

// The blocks of one worker in one pass when they are fixed, in order; those apart that the agenda
// says are done.
std::vector<uint32_t> fixed_share(uint32_t blocks, uint64_t seed, uint32_t pass, WorkerId worker,
                                  uint32_t workers, bool in_order = false,
                                  const Agenda& agenda = {});

// Which of `left` (in dealing order) to give, and why. Pure.
struct Choice {
  size_t index = 0;  // in `left`
  std::string reason;
};
// in_use: blocks that others work on now. previous: the asker's last block, if any.
// REQUIRES: left is not empty.
Choice choose_block(const BlockPlan& plan, std::span<const uint32_t> left,
                    std::span<const uint32_t> in_use, std::optional<uint32_t> previous);

class Dealer {
 public:
  // agenda: what was done when this view began.
  Dealer(std::shared_ptr<const BlockPlan> plan, uint32_t workers, Agenda agenda = {});

  const BlockPlan& plan() const { return *plan_; }
  uint64_t plan_hash() const { return plan_hash_; }

  struct Given {
    std::optional<uint32_t> block;  // none: all blocks of the pass are dealt out
    std::string reason;
  };
  // Asking says that the worker's last block is done. seed: the first asker's of a pass counts.
  Given next(WorkerId worker, uint32_t pass, uint64_t seed);
  // Of a pass that nobody has asked for yet: all that are not done. REQUIRES: it is not over.
  bool any_left(uint32_t pass) const;

 private:
  void forget_old_passes();

  struct Hand {
    std::optional<uint32_t> block;     // what the worker works on now
    std::optional<uint32_t> previous;  // what it had last
    uint32_t pass = 0;                 // the latest it asked for
  };

  std::shared_ptr<const BlockPlan> plan_;
  uint64_t plan_hash_;
  Agenda agenda_;
  std::vector<Hand> hands_;                         // by worker
  std::map<uint32_t, std::vector<uint32_t>> left_;  // pass → blocks left, in dealing order
};

}  // namespace hemiola

#include "hemiola/cluster/dealer.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

bool same_group(uint32_t a, uint32_t b) { return a == b && a != BlockSpec::kNoGroup; }

// How many of the blocks in use touch rows of this one.
size_t conflicts(const BlockPlan& plan, const BlockSpec& block, std::span<const uint32_t> in_use) {
  return static_cast<size_t>(std::count_if(in_use.begin(), in_use.end(), [&](uint32_t other) {
    const BlockSpec& b = plan.blocks[other];
    return same_group(block.row_group, b.row_group) ||
           same_group(block.column_group, b.column_group);
  }));
}

}  // namespace

uint64_t hash_of(const BlockPlan& plan) {
  uint64_t hash = mix(plan.blocks.size());
  for (const BlockSpec& b : plan.blocks) {
    hash = mix(hash, b.examples, mix(b.row_group, b.column_group));
  }
  return hash;
}

std::vector<uint32_t> deal_order(uint32_t blocks, uint64_t seed, uint32_t pass) {
  std::vector<uint32_t> order(blocks);
  std::iota(order.begin(), order.end(), 0u);
  Random random(mix(seed, pass));
  shuffle(order, random);
  return order;
}

std::vector<uint32_t> fixed_share(uint32_t blocks, uint64_t seed, uint32_t pass, WorkerId worker,
                                  uint32_t workers) {
  HEMIOLA_CHECK(worker.value < workers);
  std::vector<uint32_t> share;
  for (uint32_t b : deal_order(blocks, seed, pass)) {
    if (b % workers == worker.value) share.push_back(b);
  }
  return share;
}

Choice choose_block(const BlockPlan& plan, std::span<const uint32_t> left,
                    std::span<const uint32_t> in_use, std::optional<uint32_t> previous) {
  HEMIOLA_CHECK(!left.empty());
  const uint32_t row = previous ? plan.blocks[*previous].row_group : BlockSpec::kNoGroup;
  size_t best = 0;
  size_t best_conflicts = SIZE_MAX;
  bool best_warm = false;
  for (size_t i = 0; i < left.size(); ++i) {
    const BlockSpec& block = plan.blocks[left[i]];
    const size_t c = conflicts(plan, block, in_use);
    const bool warm = same_group(block.row_group, row);
    if (c > best_conflicts || (c == best_conflicts && (best_warm || !warm))) continue;
    best = i, best_conflicts = c, best_warm = warm;
    const bool could_be_warm = row != BlockSpec::kNoGroup && !warm;
    if (c == 0 && !could_be_warm) break;
  }
  if (best_conflicts > 0) {
    return {best, "all blocks left share rows with blocks in use, this one with " +
                      std::to_string(best_conflicts)};
  }
  return {best, best_warm ? "free, and in the worker's row group" : "the first that is free"};
}

Dealer::Dealer(std::shared_ptr<const BlockPlan> plan, uint32_t workers)
    : plan_(std::move(plan)), plan_hash_(hash_of(*plan_)), hands_(workers) {}

Dealer::Given Dealer::next(WorkerId worker, uint32_t pass, uint64_t seed) {
  HEMIOLA_CHECK(worker.value < hands_.size());
  Hand& hand = hands_[worker.value];
  if (hand.block) hand.previous = std::exchange(hand.block, std::nullopt);
  if (pass < hand.pass) return {std::nullopt, "that pass is over"};
  if (pass > hand.pass) {
    hand.pass = pass;
    forget_old_passes();
  }
  auto [at, first] = left_.try_emplace(pass);
  std::vector<uint32_t>& left = at->second;
  if (first) left = deal_order(static_cast<uint32_t>(plan_->blocks.size()), seed, pass);
  if (left.empty()) return {std::nullopt, "all blocks of the pass are dealt out"};

  std::vector<uint32_t> in_use;
  for (const Hand& other : hands_) {
    if (other.block) in_use.push_back(*other.block);
  }
  Choice choice = choose_block(*plan_, left, in_use, hand.previous);
  hand.block = left[choice.index];
  left.erase(left.begin() + static_cast<ptrdiff_t>(choice.index));
  return {hand.block, std::move(choice.reason)};
}

// A pass is over when nobody can ask for it any more; workers ask for passes in order.
void Dealer::forget_old_passes() {
  uint32_t oldest = UINT32_MAX;
  for (const Hand& hand : hands_) oldest = std::min(oldest, hand.pass);
  left_.erase(left_.begin(), left_.lower_bound(oldest));
}

}  // namespace hemiola

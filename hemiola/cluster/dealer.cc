#include "hemiola/cluster/dealer.h"

#include <algorithm>
#include <compare>
#include <numeric>
#include <unordered_map>
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

// How many blocks are left in each group. Taking from the fullest keeps the last blocks of a pass
// spread over rows and columns, so that workers do not meet there.
class Load {
 public:
  Load(const BlockPlan& plan, std::span<const uint32_t> left) {
    for (uint32_t b : left) {
      const BlockSpec& block = plan.blocks[b];
      if (block.row_group != BlockSpec::kNoGroup) ++rows_[block.row_group];
      if (block.column_group != BlockSpec::kNoGroup) ++columns_[block.column_group];
    }
  }

  bool nothing() const { return rows_.empty() && columns_.empty(); }
  int64_t row(const BlockSpec& block) const { return of(rows_, block.row_group); }
  int64_t column(const BlockSpec& block) const { return of(columns_, block.column_group); }

 private:
  using Counts = std::unordered_map<uint32_t, int64_t>;

  static int64_t of(const Counts& counts, uint32_t group) {
    const auto at = counts.find(group);
    return at == counts.end() ? 0 : at->second;
  }

  Counts rows_;
  Counts columns_;
};

// The smallest is the best; of equals the first in dealing order.
struct Score {
  size_t conflicts = 0;  // with blocks in use
  bool cold = false;     // not in the worker's row group
  int64_t done = 0;      // the less is left in the block's groups, the later

  auto operator<=>(const Score&) const = default;
};

}  // namespace

uint64_t hash_of(const BlockPlan& plan) {
  uint64_t hash = mix(plan.blocks.size());
  if (plan.in_order) hash = mix(hash);
  for (const BlockSpec& b : plan.blocks) {
    hash = mix(hash, b.examples, mix(b.row_group, b.column_group));
  }
  return hash;
}

std::vector<uint32_t> deal_order(uint32_t blocks, uint64_t seed, uint32_t pass, bool in_order) {
  std::vector<uint32_t> order(blocks);
  std::iota(order.begin(), order.end(), 0u);
  if (in_order) return order;
  Random random(mix(seed, pass));
  shuffle(order, random);
  return order;
}

std::vector<uint32_t> fixed_share(uint32_t blocks, uint64_t seed, uint32_t pass, WorkerId worker,
                                  uint32_t workers, bool in_order, const Agenda& agenda) {
  HEMIOLA_CHECK(worker.value < workers);
  std::vector<uint32_t> share;
  for (uint32_t b : deal_order(blocks, seed, pass, in_order)) {
    const bool done = pass == agenda.pass() && agenda.has(b);
    if (b % workers == worker.value && !done) share.push_back(b);
  }
  return share;
}

Choice choose_block(const BlockPlan& plan, std::span<const uint32_t> left,
                    std::span<const uint32_t> in_use, std::optional<uint32_t> previous) {
  HEMIOLA_CHECK(!left.empty());
  const uint32_t row = previous ? plan.blocks[*previous].row_group : BlockSpec::kNoGroup;
  const Load load(plan, left);
  Score best;
  size_t index = 0;
  for (size_t i = 0; i < left.size(); ++i) {
    const BlockSpec& block = plan.blocks[left[i]];
    const bool warm = same_group(block.row_group, row);
    const Score score{.conflicts = conflicts(plan, block, in_use),
                      .cold = !warm,
                      .done = -(load.column(block) + (warm ? 0 : load.row(block)))};
    if (i > 0 && !(score < best)) continue;
    best = score;
    index = i;
    if (load.nothing()) break;
  }
  if (best.conflicts > 0) {
    return {index, "all blocks left share rows with blocks in use, this one with " +
                       std::to_string(best.conflicts)};
  }
  return {index,
          best.cold ? "free, of the most that is left" : "free, and in the worker's row group"};
}

Dealer::Dealer(std::shared_ptr<const BlockPlan> plan, uint32_t workers, Agenda agenda)
    : plan_(std::move(plan)),
      plan_hash_(hash_of(*plan_)),
      agenda_(std::move(agenda)),
      hands_(workers) {}

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
  if (first) {
    const auto blocks = static_cast<uint32_t>(plan_->blocks.size());
    left = deal_order(blocks, seed, pass, plan_->in_order);
    if (pass == agenda_.pass()) std::erase_if(left, [&](uint32_t b) { return agenda_.has(b); });
  }
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

bool Dealer::any_left(uint32_t pass) const {
  const auto at = left_.find(pass);
  if (at != left_.end()) return !at->second.empty();
  return pass != agenda_.pass() || agenda_.done().size() < plan_->blocks.size();
}

// A pass is over when nobody can ask for it any more; workers ask for passes in order.
void Dealer::forget_old_passes() {
  uint32_t oldest = UINT32_MAX;
  for (const Hand& hand : hands_) oldest = std::min(oldest, hand.pass);
  left_.erase(left_.begin(), left_.lower_bound(oldest));
}

}  // namespace hemiola

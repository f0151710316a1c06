#include "hemiola/cluster/dealer.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <utility>

#include "hemiola/cluster/harness_test.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

std::shared_ptr<const BlockPlan> grid(uint32_t rows, uint32_t columns) {
  auto plan = std::make_shared<BlockPlan>();
  for (uint32_t b = 0; b < rows * columns; ++b) {
    plan->blocks.push_back({1, b / columns, b % columns});
  }
  return plan;
}

std::shared_ptr<const BlockPlan> loose(uint32_t blocks) {
  auto plan = std::make_shared<BlockPlan>();
  plan->blocks.resize(blocks);
  return plan;
}

using Deal = std::function<std::optional<uint32_t>(WorkerId, uint32_t pass)>;

// Workers of random speed work through the passes; the first violation, or "".
std::string play(const Deal& deal, uint32_t blocks, uint32_t workers, uint32_t passes,
                 uint64_t seed) {
  Random random(seed);
  Invariants invariants;
  std::vector<uint32_t> pass(workers);
  for (uint32_t left = workers; left > 0;) {
    const WorkerId worker{static_cast<uint32_t>(random.below(workers))};
    uint32_t& p = pass[worker.value];
    if (p == passes) continue;
    const auto block = deal(worker, p);
    if (!block) {
      left -= ++p == passes;
      continue;
    }
    const std::string broken = invariants.given(worker, p, *block);
    if (!broken.empty()) return broken;
  }
  for (uint32_t p = 0; p < passes; ++p) {
    const auto dealt = invariants.dealt().find(p);
    const size_t count = dealt == invariants.dealt().end() ? 0 : dealt->second.size();
    if (count != blocks) return "pass " + std::to_string(p) + " dealt " + std::to_string(count);
  }
  return "";
}

TEST(Dealer, Each_block_is_given_once_per_pass_whatever_the_schedule) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    Random random(seed);
    const auto plan = random.chance(0.7) ? grid(1 + static_cast<uint32_t>(random.below(6)),
                                                1 + static_cast<uint32_t>(random.below(6)))
                                         : loose(static_cast<uint32_t>(random.below(40)));
    const auto workers = static_cast<uint32_t>(1 + random.below(6));
    Dealer dealer(plan, workers);
    const Deal deal = [&](WorkerId w, uint32_t p) { return dealer.next(w, p, seed).block; };
    EXPECT_EQ(play(deal, static_cast<uint32_t>(plan->blocks.size()), workers, 3, seed), "")
        << "seed " << seed;
  }
}

TEST(Dealer, A_dealer_that_gives_a_block_twice_is_caught) {
  const auto plan = grid(3, 3);
  Dealer dealer(plan, 2);
  Random random(1);
  std::optional<uint32_t> last;
  const Deal deal = [&](WorkerId w, uint32_t p) {
    if (last && random.chance(0.1)) return last;
    const auto block = dealer.next(w, p, 1).block;
    if (block) last = block;
    return block;
  };
  EXPECT_NE(play(deal, 9, 2, 3, 1), "");
}

TEST(Dealer, A_dealer_that_forgets_a_block_is_caught) {
  Dealer dealer(grid(3, 3), 2);
  int count = 0;
  const Deal deal = [&](WorkerId w, uint32_t p) {
    const auto block = dealer.next(w, p, 1).block;
    return ++count == 5 ? dealer.next(w, p, 1).block : block;
  };
  EXPECT_NE(play(deal, 9, 2, 3, 1), "");
}

TEST(Dealer, Workers_on_a_larger_grid_rarely_share_a_row_or_column) {
  const uint32_t workers = 4;
  const auto plan = grid(8, 8);
  Dealer dealer(plan, workers);
  Random random(3);
  std::vector<std::optional<uint32_t>> hand(workers);
  size_t kept_row = 0;
  size_t clashes = 0;  // blocks given while one that shares rows was in use
  for (uint32_t pass = 0; pass < 10; ++pass) {
    for (int i = 0; i < 64; ++i) {
      const auto w = static_cast<uint32_t>(random.below(workers));
      const auto before = std::exchange(hand[w], std::nullopt);
      const BlockSpec mine = plan->blocks[*dealer.next(WorkerId{w}, pass, 5).block];
      kept_row += before && plan->blocks[*before].row_group == mine.row_group;
      clashes += std::any_of(hand.begin(), hand.end(), [&](const auto& other) {
        return other && (plan->blocks[*other].row_group == mine.row_group ||
                         plan->blocks[*other].column_group == mine.column_group);
      });
      hand[w] = mine.row_group * 8 + mine.column_group;
    }
    for (uint32_t w = 0; w < workers; ++w) dealer.next(WorkerId{w}, pass, 5);
    hand.assign(workers, std::nullopt);
  }
  EXPECT_LE(clashes, 640u / 10);
  EXPECT_GE(kept_row, 400u);
}

TEST(Dealer, The_choice_says_why) {
  const auto plan = grid(2, 2);
  const std::vector<uint32_t> left = {0, 3, 1};
  const std::vector<uint32_t> in_use = {2};
  const auto pick = [&](std::optional<uint32_t> previous) {
    const Choice choice = choose_block(*plan, left, in_use, previous);
    return std::to_string(left[choice.index]) + ": " + choice.reason;
  };
  EXPECT_EQ(pick(std::nullopt), "1: free, of the most that is left");
  EXPECT_EQ(pick(0), "1: free, and in the worker's row group");
  const std::vector<uint32_t> only = {3};
  EXPECT_EQ(choose_block(*plan, only, in_use, 0).reason,
            "all blocks left share rows with blocks in use, this one with 1");
}

TEST(Dealer, Blocks_without_groups_go_in_shuffled_order_that_depends_on_seed_and_pass) {
  const auto order = [](uint64_t seed, uint32_t pass) {
    Dealer dealer(loose(50), 1);
    std::vector<uint32_t> blocks;
    while (const auto b = dealer.next(WorkerId{0}, pass, seed).block) blocks.push_back(*b);
    return blocks;
  };
  EXPECT_EQ(order(1, 0), order(1, 0));
  EXPECT_NE(order(1, 0), order(1, 1));
  EXPECT_NE(order(1, 0), order(2, 0));
}

TEST(Dealer, Blocks_of_a_plan_in_order_are_dealt_and_shared_out_in_order) {
  BlockPlan plan = *loose(50);
  plan.in_order = true;
  Dealer dealer(std::make_shared<const BlockPlan>(plan), 2);
  for (uint32_t pass = 0; pass < 2; ++pass) {
    for (uint32_t b = 0; b < 50; ++b) {
      EXPECT_EQ(dealer.next(WorkerId{(b / 3) % 2}, pass, 9).block, b);
    }
  }
  EXPECT_EQ(fixed_share(7, 9, 0, WorkerId{1}, 3, true), (std::vector<uint32_t>{1, 4}));
}

TEST(Dealer, A_pass_that_is_over_stays_over) {
  Dealer dealer(loose(2), 2);
  EXPECT_TRUE(dealer.next(WorkerId{0}, 0, 1).block);
  EXPECT_TRUE(dealer.next(WorkerId{1}, 0, 1).block);
  EXPECT_FALSE(dealer.next(WorkerId{0}, 0, 1).block);
  EXPECT_TRUE(dealer.next(WorkerId{0}, 1, 1).block);
  EXPECT_TRUE(dealer.next(WorkerId{1}, 1, 1).block);
  EXPECT_EQ(dealer.next(WorkerId{0}, 0, 1).reason, "that pass is over");
}

TEST(Dealer, Fixed_shares_are_a_partition_with_an_order_per_pass) {
  std::set<uint32_t> seen;
  for (uint32_t w = 0; w < 3; ++w) {
    for (uint32_t b : fixed_share(20, 7, 1, WorkerId{w}, 3)) {
      EXPECT_EQ(b % 3, w);
      EXPECT_TRUE(seen.insert(b).second);
    }
  }
  EXPECT_EQ(seen.size(), 20u);
  EXPECT_NE(fixed_share(20, 7, 1, WorkerId{0}, 1), fixed_share(20, 7, 2, WorkerId{0}, 1));
}

TEST(Dealer, Plans_differ_by_hash_when_anything_differs) {
  BlockPlan plan = *grid(2, 2);
  const uint64_t hash = hash_of(plan);
  EXPECT_EQ(hash_of(*grid(2, 2)), hash);
  plan.in_order = true;
  EXPECT_NE(hash_of(plan), hash);
  plan.in_order = false;
  plan.blocks[1].examples = 2;
  EXPECT_NE(hash_of(plan), hash);
  EXPECT_NE(hash_of(*grid(4, 1)), hash);
}

}  // namespace
}  // namespace hemiola

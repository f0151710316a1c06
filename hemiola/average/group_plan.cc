#include "hemiola/average/group_plan.h"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <tuple>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"

namespace hemiola {
namespace {

constexpr uint64_t kLots = 0x9707;
constexpr uint64_t kTrades = 0x7ade;

std::string of(uint32_t some, uint32_t all) {
  return std::to_string(some) + " of " + std::to_string(all);
}

}  // namespace

uint32_t GroupPlan::group_of(WorkerId worker) const {
  for (uint32_t g = 0; g < groups.size(); ++g) {
    if (std::binary_search(groups[g].begin(), groups[g].end(), worker.value)) return g;
  }
  HEMIOLA_CHECK(false);
}

GroupPlan first_plan(uint32_t n, uint32_t members) {
  HEMIOLA_CHECK(n > 0 && members > 0);
  GroupPlan plan;
  const uint32_t count = n / members + (n % members > 0);
  for (uint32_t g = 0; g < count; ++g) {
    const Block block = block_of(n, g, count);
    plan.groups.emplace_back(block.count);
    std::iota(plan.groups[g].begin(), plan.groups[g].end(), static_cast<uint32_t>(block.from));
  }
  return plan;
}

GroupPlan plan_by_speed(const GroupPlan& before, std::span<const double> step_seconds,
                        uint64_t seed) {
  GroupPlan plan{before.number + 1, {}};
  std::vector<uint32_t> order(step_seconds.size());
  std::iota(order.begin(), order.end(), 0u);
  const auto rank = [&](uint32_t w) {
    return std::tuple(step_seconds[w], mix(mix(seed, kLots), plan.number, w), w);
  };
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return rank(a) < rank(b); });
  auto next = order.begin();
  for (const auto& group : before.groups) {
    const auto end = next + static_cast<ptrdiff_t>(group.size());
    plan.groups.emplace_back(next, end);
    std::sort(plan.groups.back().begin(), plan.groups.back().end());
    next = end;
  }
  return plan;
}

bool valid_plan(const GroupPlan& plan, uint32_t n) {
  std::vector<bool> seen(n);
  uint32_t count = 0;
  for (const auto& group : plan.groups) {
    if (group.empty() || !std::is_sorted(group.begin(), group.end())) return false;
    for (const uint32_t w : group) {
      if (w >= n || seen[w]) return false;
      seen[w] = true;
      ++count;
    }
  }
  return count == n;
}

double steps_per_second(const GroupPlan& plan, uint32_t enough,
                        std::span<const double> step_seconds) {
  double sum = 0;
  for (const auto& group : plan.groups) {
    std::vector<double> times;
    for (const uint32_t w : group) times.push_back(step_seconds[w]);
    std::sort(times.begin(), times.end());
    const size_t last = std::min<size_t>(enough, times.size()) - 1;
    // Up to the last one waited for, all make a step per round; who is slower makes its own.
    for (size_t i = 0; i < times.size(); ++i) sum += 1 / std::max(times[i], times[last]);
  }
  return sum;
}

Regrouping decide_regrouping(const GroupPlan& plan, uint32_t enough,
                             std::span<const double> step_seconds, uint64_t seed) {
  const auto least = std::min_element(step_seconds.begin(), step_seconds.end());
  if (least == step_seconds.end() || *least <= 0) return {{}, "not all speeds are known"};
  GroupPlan other = plan_by_speed(plan, step_seconds, seed);
  const double gain =
      steps_per_second(other, enough, step_seconds) / steps_per_second(plan, enough, step_seconds);
  char text[96];
  std::snprintf(text, sizeof text, "groups of equally fast workers would make %.2f times the steps",
                gain);
  if (gain < kWorthRegrouping) return {{}, text};
  return {std::move(other), text};
}

CloseDecision decide_close(const GroupState& s) {
  const uint32_t enough = std::min(s.enough, s.members);
  if (s.ready == 0) {
    if (s.resting < s.members || !s.asked) return {false, "nobody is ready"};
    return {true, "all rest and another group asked"};
  }
  if (s.ready == s.members) return {true, "all were ready"};
  if (s.ready + s.resting == s.members) return {true, "all that had work left were ready"};
  if (s.ready + s.resting >= enough && !s.apart) {
    return {true, of(s.ready + s.resting, s.members) + " were ready" +
                      (s.resting > 0 ? " or at rest" : "")};
  }
  if (s.time_is_up && s.ready >= 2) {
    return {true, of(s.ready, s.members) + " were ready when the time was up"};
  }
  if (s.ready + s.resting >= enough) {
    return {false, of(s.ready, s.members) + " are ready, but the others never meet them"};
  }
  return {false, of(s.ready, s.members) + " are ready, " + std::to_string(enough) + " are wanted"};
}

uint32_t trade_partner(uint32_t group, uint32_t groups, uint64_t round, uint64_t seed) {
  return random_pairs(groups, round, mix(seed, kTrades))[group];
}

Block block_of(size_t values, size_t index, size_t parts) {
  const size_t from = values * index / parts;
  return {from, values * (index + 1) / parts - from};
}

Block overlap(const Block& a, const Block& b) {
  const size_t from = std::max(a.from, b.from), end = std::min(a.end(), b.end());
  return {from, end > from ? end - from : 0};
}

}  // namespace hemiola

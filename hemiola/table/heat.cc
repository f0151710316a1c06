#include "hemiola/table/heat.h"

#include <algorithm>
#include <cstring>

#include "hemiola/table/partition.h"

namespace hemiola {
namespace {

constexpr uint64_t kReportMost = uint64_t{1} << 22;

}  // namespace

Heat::Heat(Placement placement, uint32_t rows, uint32_t nodes, uint32_t workers)
    : placement_(placement), nodes_(nodes), workers_(workers), counts_(rows) {}

void Heat::count(std::span<const Key> keys) {
  for (const Key key : keys) {
    uint16_t& count = counts_[key.value];
    if (count < UINT16_MAX) ++count;
    full_ |= count == UINT16_MAX;
  }
  counted_ += keys.size();
}

std::vector<std::vector<HeatRecord>> Heat::report(const Partition& partition) {
  std::vector<std::vector<HeatRecord>> by_home(nodes_);
  const double clocks = std::max<double>(1.0, static_cast<double>(clocks_) / workers_);
  // For a fixed number of hot rows all that were wanted again may be among them.
  const bool counted = placement_.hot == Placement::kCounted;
  const double least = counted ? std::max(2.0, kCold * clocks / 2) : 2.0;
  for (uint32_t k = 0; k < counts_.size(); ++k) {
    if (counts_[k] < least) continue;
    const auto share = static_cast<float>(counts_[k] / clocks);
    by_home[partition.owner(Key{k}).value].push_back({Key{k}, share});
  }
  std::memset(counts_.data(), 0, counts_.size() * sizeof(uint16_t));
  counted_ = 0;
  clocks_ = 0;
  full_ = false;
  next_report_ = std::min(2 * next_report_, std::max<uint64_t>(kReportMost, 4 * counts_.size()));
  return by_home;
}

void Heat::take(std::span<const HeatRecord> records) {
  for (const HeatRecord& record : records) shares_[record.key] += record.share;
}

// Each node reports about as often as the home decides, so a sum stands for all nodes once.
Heat::Verdict Heat::decide() {
  std::vector<std::pair<float, Key>> order;
  for (const auto& [key, share] : shares_)
    order.emplace_back(share / static_cast<float>(nodes_), key);
  const auto hotter = [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  };
  std::sort(order.begin(), order.end(), hotter);
  std::unordered_map<Key, bool> now;
  const bool counted = placement_.hot == Placement::kCounted;
  const size_t most = counted ? order.size() : (placement_.hot + nodes_ - 1) / nodes_;
  for (size_t i = 0; i < std::min(most, order.size()); ++i) {
    const auto& [share, key] = order[i];
    if (counted && share < (hot_.contains(key) ? kCold : kHot)) continue;
    now.emplace(key, true);
  }
  Verdict verdict;
  for (const auto& [share, key] : order) {
    if (now.contains(key) && !hot_.contains(key)) verdict.hot.push_back(key);
  }
  // Where the number is fixed, a row stays hot until a hotter one needs its place.
  for (const auto& [key, yes] : hot_) {
    if (now.contains(key)) continue;
    if (counted || now.size() >= most) {
      verdict.cold.push_back(key);
    } else {
      now.emplace(key, true);
    }
  }
  std::sort(verdict.cold.begin(), verdict.cold.end());
  hot_ = std::move(now);
  shares_.clear();
  return verdict;
}

}  // namespace hemiola

// Client: rows that will be asked for later.
#include <algorithm>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/table/client.h"

namespace hemiola {
namespace {

constexpr size_t kIntendsOpen = 8;

bool is_done(const Call& call) { return call.done.load(std::memory_order_acquire) != 0; }

}  // namespace

void Client::prefetch(TableId table, std::span<const Key> keys) {
  check_keys(table, keys);
  Rows& rows = tables_.rows(table);
  if (!rows.keeps_copies()) return;
  if (rows.adapts()) return intend(table, keys, clock_, clock_ + 2);
  std::erase_if(prefetches_, [](const auto& open) { return is_done(*open); });
  const Clock need = needed(rows.options());
  auto call = std::make_unique<FetchCall>();
  for (const Key key : keys) {
    if (!rows.options().staleness.strict && rows.owns(key)) continue;
    const Copies& copies = rows.copies(port_.worker());
    const uint32_t slot = copies.find(key);
    const bool held = slot != Copies::kNone;
    if (held && (rows.options().staleness.push || copies.tag(slot) >= need)) continue;
    call->keys.push_back(key);
  }
  if (call->keys.empty()) return;
  call->worker = port_.worker();
  call->table = table;
  call->needed = need;
  count_asked(table, call->keys.size());
  prefetches_.push_back(std::move(call));
  port_.post(*prefetches_.back());
}

void Client::intend(TableId table, std::span<const Key> keys, Clock first, Clock last) {
  check_keys(table, keys);
  const Rows& rows = tables_.rows(table);
  if (rows.direct() || last <= clock_ || keys.empty()) return;
  const bool soon = first <= clock_ + 1;
  if (!rows.adapts()) {
    if (soon) return prefetch(table, keys);
    later_[first.value].push_back({table, first, last, {keys.begin(), keys.end()}});
    return;
  }
  intents_.push_back({table, first, last, {keys.begin(), keys.end()}});
  if (!soon) return;
  std::unique_ptr<IntendCall> call;
  if (intends_.size() >= kIntendsOpen) {
    wait_for(*intends_.front(), table, &TableStats::wait_rows);
    call = std::move(intends_.front());
    intends_.pop_front();
    call->done.store(0, std::memory_order_relaxed);
  } else {
    call = std::make_unique<IntendCall>();
  }
  call->worker = port_.worker();
  call->clock = clock_;
  call->intents.swap(intents_);
  intends_.push_back(std::move(call));
  port_.post(*intends_.back());
}

// What was said long ago about tables that do not move is due.
void Client::prefetch_due() {
  while (!later_.empty() && later_.begin()->first <= clock_.value + 1) {
    const auto due = later_.extract(later_.begin());
    for (const Intent& intent : due.mapped()) {
      if (intent.last > clock_) prefetch(intent.table, intent.keys);
    }
  }
}

void Client::finish_prefetch(TableId table) {
  for (auto& call : prefetches_) {
    if (call->table == table) wait_for(*call, table, &TableStats::wait_rows);
  }
  std::erase_if(prefetches_, [&](const auto& call) { return call->table == table; });
}

}  // namespace hemiola

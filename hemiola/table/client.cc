#include "hemiola/table/client.h"

#include <algorithm>
#include <string>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

constexpr size_t kPushesOpen = 8;
constexpr size_t kTicksOpen = 2;
constexpr size_t kAhead = 8;
constexpr uint64_t kUsesPerFlush = 8;
constexpr uint32_t kTicksPerFlush = 16;

bool is_done(const Call& call) { return call.done.load(std::memory_order_acquire) != 0; }

}  // namespace

Client::Client(TableSet& tables, WorkerPort& port)
    : tables_(tables),
      port_(port),
      stats_(tables.size()),
      samplers_(tables.sampling(), port.worker(), *this) {
  for (uint32_t t = 0; t < tables_.size(); ++t) {
    const Rows& rows = tables_.rows(TableId{t});
    dirty_.emplace_back(rows.direct() ? 0 : rows.partition().rows());
    stats_[t].waited_for.resize(tables_.place().nodes);
  }
}

// The machine writes into open calls: they may not go before it is done with them, and after
// the end of the job it never touches them again.
Client::~Client() {
  const auto finish = [&](Call& call) {
    try {
      port_.wait(call);
    } catch (const std::exception&) {
    }
  };
  for (auto& pull : pulls_) {
    if (pull.call) finish(*pull.call);
  }
  for (auto& call : prefetches_) finish(*call);
  for (auto& call : pushes_) finish(*call);
  for (auto& call : intends_) finish(*call);
  for (size_t i = 0; i < std::min(ticks_posted_, ticks_.size()); ++i) finish(*ticks_[i]);
}

void Client::check_keys(TableId table, std::span<const Key> keys) const {
  if (table.value >= tables_.size()) {
    throw UserError("there is no table number " + std::to_string(table.value));
  }
  const TableSpec& spec = tables_.rows(table).options().spec;
  uint32_t largest = 0;
  for (const Key key : keys) largest = std::max(largest, key.value);
  if (largest >= spec.rows) {
    throw UserError("key " + std::to_string(largest) + " is out of range in table `" + spec.name +
                    "`, which has " + std::to_string(spec.rows) + " rows");
  }
}

void Client::check(TableId table, std::span<const Key> keys, size_t floats,
                   const char* what) const {
  check_keys(table, keys);
  const TableSpec& spec = tables_.rows(table).options().spec;
  if (floats != keys.size() * spec.row_length) {
    throw UserError(std::string(what) + " of " + std::to_string(floats) + " floats for " +
                    std::to_string(keys.size()) + " rows of table `" + spec.name +
                    "`: its rows have " + std::to_string(spec.row_length) + " floats each");
  }
}

void Client::wait_for(TableCall& call, TableId table, Duration TableStats::*kind) {
  if (is_done(call) && call.error.empty()) return;
  const Instant since = port_.now();
  port_.wait(call);
  const Duration waited = port_.now() - since;
  TableStats& stats = stats_[table.value];
  stats.*kind = stats.*kind + waited;
  if (call.waited_for.value < stats.waited_for.size()) {
    auto& blamed = stats.waited_for[call.waited_for.value];
    blamed = blamed + waited;
  }
}

void Client::Dirty::take(std::vector<Key>& into) {
  into.swap(keys_);
  for (const Key key : into) used_[key.value] = 0;
  uses_ = ticks_ = 0;
}

void Client::take_dirty(std::vector<DirtyKeys>& into, bool all) {
  into.resize(tables_.size());
  for (uint32_t t = 0; t < into.size(); ++t) {
    into[t].table = TableId{t};
    into[t].keys.clear();
    dirty_[t].tick();
    if (!all && waits_to_flush(TableId{t})) continue;
    dirty_[t].take(into[t].keys);
    stats_[t].pushed_rows += into[t].keys.size();
  }
}

// Without a bound on staleness changes are gathered until each has been used in enough ticks to be
// worth its sending: where all nodes work on the same few rows, sending them at each tick would
// cost more than the work. Not for long: what nodes do to a row without each other's changes adds
// up, and training diverges when that is too much.
bool Client::waits_to_flush(TableId table) const {
  const Rows& rows = tables_.rows(table);
  const Dirty& dirty = dirty_[table.value];
  if (!rows.adapts() || rows.options().staleness.bounded()) return false;
  return dirty.uses() < kUsesPerFlush * dirty.size() && dirty.ticks() < kTicksPerFlush;
}

// What the batches of an earlier tick came to is known once it is done.
void Client::count_sent(std::vector<DirtyKeys>& dirty) {
  for (DirtyKeys& keys : dirty) {
    stats_[keys.table.value].bytes_out += std::exchange(keys.sent_bytes, 0);
  }
}

void Client::count_asked(TableId table, size_t keys) {
  stats_[table.value].pulled_rows += keys;
  stats_[table.value].bytes_out += keys * sizeof(Key);
}

std::unique_ptr<FetchCall> Client::fetch_to(TableId table, std::span<const Key> keys,
                                            std::span<float> out) {
  Rows& rows = tables_.rows(table);
  const uint32_t length = rows.row_length();
  auto call = std::make_unique<FetchCall>();
  for (size_t i = 0; i < keys.size(); ++i) {
    float* to = out.data() + i * length;
    if (rows.owns(keys[i])) {
      vec().copy(to, rows.owned(rows.partition().index(keys[i])), length);
    } else {
      call->keys.push_back(keys[i]);
      call->sink.push_back(to);
    }
  }
  TableStats& stats = stats_[table.value];
  stats.local_rows += keys.size() - call->keys.size();
  if (call->keys.empty()) return nullptr;
  stats.remote_rows += call->keys.size();
  count_asked(table, call->keys.size());
  call->worker = port_.worker();
  call->table = table;
  call->needed = needed(rows.options());
  port_.post(*call);
  return call;
}

Client::Ticket Client::pull_async(TableId table, std::span<const Key> keys, std::span<float> out) {
  check(table, keys, out.size(), "a pull");
  const Rows& rows = tables_.rows(table);
  Pull pull{++last_pull_, table, keys, out, nullptr, {}};
  if (rows.direct() || rows.keeps_copies()) {
    prefetch(table, keys);
  } else {
    pull.call = fetch_to(table, keys, out);
  }
  pulls_.push_back(std::move(pull));
  return {pulls_.back().number};
}

void Client::wait(Ticket ticket) {
  const auto found = std::find_if(pulls_.begin(), pulls_.end(),
                                  [&](const Pull& p) { return p.number == ticket.number; });
  if (found == pulls_.end()) throw UserError("wait() for a pull that was already waited for");
  if (found->call) wait_for(*found->call, found->table, &TableStats::wait_rows);
  const Pull pull = std::move(*found);
  pulls_.erase(found);
  if (!pull.call) this->pull(pull.table, pull.keys, pull.out);
}

void Client::pull(TableId table, std::span<const Key> keys, std::span<float> out) {
  if (const float* row = at_hand(table, keys, out.size())) {
    return vec().copy(out.data(), row, out.size());
  }
  check(table, keys, out.size(), "a pull");
  Rows& rows = tables_.rows(table);
  if (!rows.direct() && !rows.keeps_copies()) {
    const auto call = fetch_to(table, keys, out);
    if (call) wait_for(*call, table, &TableStats::wait_rows);
    return;
  }
  pointers_.resize(keys.size());
  this->rows(table, keys, Access::read, pointers_);
  const uint32_t length = rows.row_length();
  const auto copy = vec().copy;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i + kAhead < keys.size()) {
      for (uint32_t c = 0; c < length; c += 16) __builtin_prefetch(pointers_[i + kAhead] + c);
    }
    copy(out.data() + i * length, pointers_[i], length);
  }
}

void Client::push(TableId table, std::span<const Key> keys, std::span<const float> deltas) {
  check(table, keys, deltas.size(), "a push");
  Rows& rows = tables_.rows(table);
  const uint32_t length = rows.row_length();
  pointers_.resize(keys.size());
  std::vector<uint32_t> remote;
  if (rows.direct()) {
    locate_direct(rows, keys, pointers_);
  } else if (rows.options().staleness.strict) {
    this->rows(table, keys, Access::write, pointers_);
  } else {
    // Any copy will do, however old; where there is none the owner adds.
    for (uint32_t i = 0; i < keys.size(); ++i) {
      pointers_[i] = nullptr;
      if (!rows.adapts() && rows.owns(keys[i])) {
        pointers_[i] = rows.owned(rows.partition().index(keys[i]));
      } else if (rows.keeps_copies()) {
        const uint32_t slot = rows.copies(port_.worker()).find(keys[i]);
        if (slot != Copies::kNone) pointers_[i] = rows.copies(port_.worker()).value(slot);
      }
      if (pointers_[i] == nullptr) {
        remote.push_back(i);
      } else {
        mark_dirty(table, keys[i]);
      }
    }
  }
  const auto add = vec().add;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (pointers_[i] == nullptr) continue;
    LatchGuard guard(rows.latches(), pointers_[i]);
    add(pointers_[i], deltas.data() + i * length, length);
  }
  if (!remote.empty()) push_remote(table, keys, deltas, remote);
}

void Client::push_remote(TableId table, std::span<const Key> keys, std::span<const float> deltas,
                         std::span<const uint32_t> which) {
  const uint32_t length = tables_.rows(table).row_length();
  std::unique_ptr<PushCall> call;
  if (!pushes_.empty() && (is_done(*pushes_.front()) || pushes_.size() >= kPushesOpen)) {
    wait_for(*pushes_.front(), table, &TableStats::wait_clock);
    call = std::move(pushes_.front());
    pushes_.pop_front();
    call->done.store(0, std::memory_order_relaxed);
    call->keys.clear();
    call->deltas.clear();
  } else {
    call = std::make_unique<PushCall>();
  }
  call->worker = port_.worker();
  call->table = table;
  call->clock = clock_;
  for (const uint32_t i : which) {
    call->keys.push_back(keys[i]);
    const float* delta = deltas.data() + size_t{i} * length;
    call->deltas.insert(call->deltas.end(), delta, delta + length);
  }
  stats_[table.value].pushed_rows += which.size();
  stats_[table.value].bytes_out += which.size() * (sizeof(Key) + length * sizeof(float));
  pushes_.push_back(std::move(call));
  port_.post(*pushes_.back());
}

// A copy may have come since a push found none: it has the push only once the loop has seen it.
void Client::settle_pushes() {
  for (; !pushes_.empty(); pushes_.pop_front()) {
    wait_for(*pushes_.front(), pushes_.front()->table, &TableStats::wait_rows);
  }
}

Client::Samples Client::prepare_sample(uint32_t sampler, uint32_t n, Clock first, Clock last) {
  return {samplers_.prepare(sampler, n, first, last)};
}

void Client::sample(Samples samples, std::span<Key> keys) { samplers_.draw(samples.ticket, keys); }

TickCall& Client::next_tick_call() {
  if (ticks_.size() < kTicksOpen) {
    ticks_.push_back(std::make_unique<TickCall>());
    ++ticks_posted_;
    return *ticks_.back();
  }
  TickCall& call = *ticks_[ticks_posted_++ % kTicksOpen];
  wait_for(call, TableId{0}, &TableStats::wait_clock);
  count_sent(call.dirty);
  call.done.store(0, std::memory_order_relaxed);
  return call;
}

void Client::tick() {
  clock_ = clock_ + 1;
  if (tables_.ticks_alone()) return;
  TickCall& call = next_tick_call();
  call.worker = port_.worker();
  call.clock = clock_;
  call.unlinkings = tables_.unlinkings.load(std::memory_order_acquire);
  take_dirty(call.dirty, false);
  call.intents.clear();
  call.intents.swap(intents_);
  port_.post(call);
  // The published clock stands behind the rows it speaks of, so seeing it is enough.
  const Clock slowest{tables_.slowest.load(std::memory_order_acquire)};
  if (!tables_.gate().may_start(clock_, slowest)) {
    wait_for(call, TableId{0}, &TableStats::wait_clock);
  }
  prefetch_due();
}

uint64_t Client::secure(bool wait) {
  if (tables_.copies() < 2) return 0;
  SecureCall call;
  call.worker = port_.worker();
  call.clock = clock_;
  call.wait = wait;
  take_dirty(call.dirty, true);
  port_.post(call);
  wait_for(call, TableId{0}, &TableStats::wait_clock);
  count_sent(call.dirty);
  return call.point;
}

void Client::barrier() {
  if (tables_.ticks_alone() && tables_.place().workers() == 1) return;
  BarrierCall call;
  call.worker = port_.worker();
  call.clock = clock_;
  take_dirty(call.dirty, true);
  port_.post(call);
  wait_for(call, TableId{0}, &TableStats::wait_clock);
  count_sent(call.dirty);
  for (auto& tick : ticks_) {
    wait_for(*tick, TableId{0}, &TableStats::wait_clock);
    count_sent(tick->dirty);
  }
  clock_ = floor_ = call.clock;
}

}  // namespace hemiola

#include "tests/placement_storm.h"

#include <algorithm>
#include <map>

#include "hemiola/core/vec.h"

namespace hemiola::storm {
namespace {

constexpr TableId kTable{0};
constexpr TableId kTold{1};  // a row per worker, a cell per key: what it has added, all in all
constexpr uint32_t kShared = 1;
constexpr float kIntegersFrom = 8'388'608;  // 2^23: from here to 2^24 floats are the integers

class Worker {
 public:
  Worker(WorkerPort& port, TableSet& tables, const Storm& storm, Ledger& ledger)
      : port_(port),
        tables_(tables),
        storm_(storm),
        ledger_(ledger),
        client_(tables, port),
        random_(mix(storm.seed, 78, port.worker().value)),
        cell_(2 + port.worker().value),
        start_(size_t{storm.rows} * storm.cells()),
        seen_(start_.size()),
        own_(storm.rows),
        told_(storm.rows) {
    for (uint32_t k = 0; k < storm.rows; ++k) {
      initialise_row(tables.rows(kTable).options().spec, Key{k},
                     {start_.data() + size_t{k} * storm.cells(), storm.cells()});
    }
    seen_ = start_;
  }

  void run() {
    for (uint32_t round = 0; round < storm_.rounds; ++round) {
      half(false);
      half(true);
    }
    drain();
  }

 private:
  struct Intended {
    Clock said;
    Clock first;
    Clock last;
    std::vector<Key> keys;
  };
  struct Announced {
    Client::Samples samples;
    Clock first;
    uint32_t left = 0;
  };
  struct Held {
    Key key;
    float* row;
  };

  [[noreturn]] void violation(const std::string& what) const {
    throw Violation("worker " + std::to_string(port_.worker().value) + " at clock " +
                    std::to_string(client_.clock().value) + " " + what);
  }
  float* start(Key key) { return start_.data() + size_t{key.value} * storm_.cells(); }
  bool in_place() const {
    const Rows& rows = tables_.rows(kTable);
    return rows.direct() || rows.keeps_copies();
  }

  void pause() {
    const Duration time{static_cast<int64_t>(random_.below(storm_.work.ns + 1))};
    storm_.sleeps ? port_.sleep(time) : port_.spend(time);
  }

  void half(bool taking_back);
  void one_clock();
  void one_call();
  void take_back(Key key);
  void tell();
  void check_totals(bool at_start);
  void drain();

  Key draw_key();
  std::vector<Key> draw(uint32_t count);
  void intend();
  void say(std::vector<Key> keys, Clock first, Clock last, bool will_use);

  void note(Key key, float times);
  void announce();
  void use_samples();
  void push(const std::vector<Key>& keys, float times);
  void change(Key key, float* row);
  void change_in_place();
  void pull(const std::vector<Key>& keys);
  void pull_later(const std::vector<Key>& keys);
  void look(const std::vector<Key>& keys);
  void check(Key key, const float* row, const float* at_least, float own_low, float own_high);
  void check(Key key, const float* row) {
    check(key, row, seen_.data() + size_t{key.value} * storm_.cells(), own_[key.value],
          own_[key.value]);
  }

  WorkerPort& port_;
  TableSet& tables_;
  const Storm& storm_;
  Ledger& ledger_;
  Client client_;
  Random random_;
  uint32_t cell_;
  std::vector<float> start_;  // by key and cell
  std::vector<float> seen_;   // the most that this worker has seen, by key and cell
  std::vector<float> own_;    // by key: added by this worker and not taken back
  std::vector<float> told_;   // by key: as much as the others know of it
  std::vector<Intended> agenda_;
  std::vector<Announced> announced_;
  std::vector<Key> now_wanted_;
  std::vector<Held> held_;  // to be changed before the clock ends
  Clock last_intended_;
  bool taking_back_ = false;
};

// Half a round: add for some clocks, or take back what was added, with intents all the while; then
// all meet and compare.
void Worker::half(bool taking_back) {
  taking_back_ = taking_back;
  std::vector<Key> left;
  if (taking_back) {
    for (uint32_t k = 0; k < storm_.rows; ++k) {
      if (own_[k] != 0) left.push_back(Key{k});
    }
    shuffle(left, random_);
  }
  for (uint32_t clock = 0; clock < storm_.clocks; ++clock) {
    one_clock();
    const size_t rest = left.size() * (storm_.clocks - 1 - clock) / storm_.clocks;
    for (; left.size() > rest; left.pop_back()) take_back(left.back());
    if (clock + 1 < storm_.clocks) client_.tick();
    if (!random_.chance(storm_.burst_chance)) continue;
    for (int32_t i = 0; i < storm_.early; ++i) client_.tick();
  }
  tell();
  client_.barrier();
  check_totals(taking_back);
  client_.barrier();  // so that nobody adds before all have read
  if (taking_back) seen_ = start_;
}

void Worker::one_clock() {
  const Clock now = client_.clock();
  now_wanted_.clear();
  std::erase_if(agenda_, [&](const Intended& intended) {
    if (intended.first > now) return false;
    now_wanted_.insert(now_wanted_.end(), intended.keys.begin(), intended.keys.end());
    const bool in_time = intended.said < intended.first && now < intended.last;
    for (const Key key : intended.keys) {
      ledger_.due += in_time ? 1 : 0;
      ledger_.kept += in_time && client_.here(kTable, key) ? 1 : 0;
    }
    return true;
  });
  for (uint32_t i = 0; i < storm_.calls; ++i) {
    if (random_.chance(storm_.intents)) intend();
    if (!storm_.sampling.empty() && random_.chance(0.3)) announce();
    pause();
    one_call();
    use_samples();
  }
  for (const Held& held : held_) change(held.key, held.row);
  held_.clear();
}

void Worker::one_call() {
  const uint64_t kind = random_.below(taking_back_ ? 4 : 10);
  const auto keys = draw(1 + static_cast<uint32_t>(random_.below(storm_.keys_per_call)));
  if (kind == 0) return pull(keys);
  if (kind == 1) return pull_later(keys);
  if (kind == 2) return in_place() ? look(keys) : pull(keys);
  if (kind == 3) return client_.prefetch(kTable, keys);
  if (kind <= 5 && in_place()) return change_in_place();
  push(keys, 1);
  if (kind >= 8) pull(keys);  // its own writes are seen at once
}

// All that this worker has added to a row, in one or two pushes.
void Worker::take_back(Key key) {
  const float all = own_[key.value];
  const float part = static_cast<float>(random_.below(static_cast<uint64_t>(all) + 1));
  if (part != 0) push({key}, -part);
  if (all - part != 0) push({key}, part - all);
  if (random_.chance(0.3)) pull({key});
}

void Worker::tell() {
  std::vector<float> news(storm_.rows);
  for (uint32_t k = 0; k < storm_.rows; ++k) news[k] = own_[k] - told_[k];
  told_ = own_;
  const Key row{port_.worker().value};
  client_.push(kTold, {&row, 1}, news);
}

// Conservation: every row is its start and all that was added, whoever reads it.
void Worker::check_totals(bool at_start) {
  std::vector<float> told(size_t{storm_.workers()} * storm_.rows);
  std::vector<Key> keys;
  for (uint32_t w = 0; w < storm_.workers(); ++w) keys.push_back(Key{w});
  client_.pull(kTold, keys, told);
  std::vector<float> row(storm_.cells());
  for (uint32_t k = 0; k < storm_.rows; ++k) {
    const Key key{k};
    std::vector<float> right(start(key), start(key) + storm_.cells());
    for (uint32_t w = 0; w < storm_.workers(); ++w) {
      right[2 + w] += told[size_t{w} * storm_.rows + k];
      right[kShared] += told[size_t{w} * storm_.rows + k];
    }
    client_.pull(kTable, {&key, 1}, row);
    ++ledger_.reads;
    for (uint32_t c = 0; c < storm_.cells(); ++c) {
      if (row[c] == right[c] && (!at_start || row[c] == start(key)[c])) continue;
      violation("reads " + std::to_string(row[c] - start(key)[c]) + " in cell " +
                std::to_string(c) + " of row " + std::to_string(k) + ", where " +
                std::to_string(right[c] - start(key)[c]) + " were added, after a barrier");
    }
  }
}

// Until every intent that ends has ended, and nothing is under way any more.
void Worker::drain() {
  while (client_.clock() < last_intended_) client_.tick();
  for (int i = 0; i < 4; ++i) {
    client_.tick();
    port_.sleep(storm_.calm);
  }
  client_.barrier();
  for (int i = 0; i < 2; ++i) {
    client_.tick();
    port_.sleep(storm_.calm);
  }
}

Key Worker::draw_key() {
  if (!now_wanted_.empty() && random_.chance(0.5)) {
    return now_wanted_[random_.below(now_wanted_.size())];
  }
  const uint32_t among = random_.chance(0.5) ? std::min(storm_.hot, storm_.rows) : storm_.rows;
  return Key{static_cast<uint32_t>(random_.below(among))};
}

std::vector<Key> Worker::draw(uint32_t count) {
  std::vector<Key> keys;
  for (uint32_t i = 0; i < count; ++i) keys.push_back(draw_key());
  return keys;
}

// Mostly right and in time; else late, for nothing, far too early, over before it begins, or long.
void Worker::intend() {
  const Clock now = client_.clock();
  const auto upto = [&](uint64_t n) { return static_cast<int32_t>(random_.below(n)); };
  auto keys = draw(1 + static_cast<uint32_t>(random_.below(2 * storm_.keys_per_call)));
  const uint64_t kind = random_.below(10);
  if (kind < 5) {
    const int32_t ahead = upto(4);
    return say(keys, now + ahead, now + (ahead + 1 + upto(2)), true);
  }
  if (kind == 5) return say(keys, now + (-1 - upto(5)), now + upto(2), true);  // late
  if (kind == 6) return say(keys, now + upto(3), now + (3 + upto(3)), false);  // then not used
  if (kind == 7 && storm_.early > 0) {
    const int32_t ahead = upto(static_cast<uint64_t>(storm_.early));
    return say(keys, now + ahead, now + (ahead + 1), true);
  }
  if (kind == 8) return say(keys, now + 1, now + upto(2), false);  // of no length
  if (kind == 9 && storm_.for_good) return say(keys, now, kClockNever, true);
  say(keys, now, now + (2 + upto(6)), true);  // over several clocks, and over others
}

void Worker::say(std::vector<Key> keys, Clock first, Clock last, bool will_use) {
  ++ledger_.intents;
  client_.intend(kTable, keys, first, last);
  if (last != kClockNever) last_intended_ = std::max(last_intended_, last);
  if (will_use) agenda_.push_back({client_.clock(), first, last, std::move(keys)});
}

void Worker::announce() {
  const auto count = 1 + static_cast<uint32_t>(random_.below(6));
  const Clock first = client_.clock() + static_cast<int32_t>(random_.below(3));
  const Clock last = first + (1 + static_cast<int32_t>(random_.below(2)));
  announced_.push_back({client_.prepare_sample(0, count, first, last), first, count});
  last_intended_ = std::max(last_intended_, last);
}

// Some of what was announced for now or earlier, perhaps not all of it, and not in order.
void Worker::use_samples() {
  for (Announced& announced : announced_) {
    if (announced.first > client_.clock() || random_.chance(0.7)) continue;
    std::vector<Key> keys(1 + random_.below(announced.left));
    client_.sample(announced.samples, keys);
    announced.left -= static_cast<uint32_t>(keys.size());
    random_.chance(0.5) || taking_back_ ? pull(keys) : push(keys, 1);
  }
  std::erase_if(announced_, [](const Announced& announced) { return announced.left == 0; });
}

// Before a change is made: from now on others may see it.
void Worker::note(Key key, float times) {
  own_[key.value] += times;
  if (ledger_.added.empty()) return;
  float* added = ledger_.added.data() + size_t{key.value} * storm_.cells();
  added[kShared] += times;
  added[cell_] += times;
}

void Worker::push(const std::vector<Key>& keys, float times) {
  std::vector<float> deltas(keys.size() * storm_.cells());
  for (size_t i = 0; i < keys.size(); ++i) {
    note(keys[i], times);
    deltas[i * storm_.cells() + kShared] = deltas[i * storm_.cells() + cell_] = times;
  }
  client_.push(kTable, keys, deltas);
}

void Worker::change(Key key, float* row) {
  note(key, 1);
  const float one = 1;
  LatchGuard guard(client_.latches(kTable), row);
  vec().add(row + kShared, &one, 1);
  vec().add(row + cell_, &one, 1);
}

void Worker::change_in_place() {
  auto keys = draw(1 + static_cast<uint32_t>(random_.below(storm_.keys_per_call)));
  std::vector<float*> rows(keys.size());
  if (keys.size() == 1) {
    rows[0] = client_.row(kTable, keys[0]);
  } else {
    client_.rows(kTable, keys, Access::write, rows);
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    check(keys[i], rows[i]);
    if (storm_.late_writes && random_.chance(0.3)) {
      held_.push_back({keys[i], rows[i]});
    } else {
      change(keys[i], rows[i]);
    }
  }
}

void Worker::look(const std::vector<Key>& keys) {
  std::vector<float*> rows(keys.size());
  client_.rows(kTable, keys, Access::read, rows);
  for (size_t i = 0; i < keys.size(); ++i) check(keys[i], rows[i]);
}

void Worker::pull(const std::vector<Key>& keys) {
  std::vector<float> values(keys.size() * storm_.cells());
  client_.pull(kTable, keys, values);
  for (size_t i = 0; i < keys.size(); ++i) check(keys[i], values.data() + i * storm_.cells());
}

// What is pulled meanwhile is of some moment between the call and the end of the wait.
void Worker::pull_later(const std::vector<Key>& keys) {
  std::vector<float> values(keys.size() * storm_.cells());
  std::vector<float> seen, own;
  for (const Key key : keys) {
    const auto row = seen_.begin() + key.value * storm_.cells();
    seen.insert(seen.end(), row, row + storm_.cells());
    own.push_back(own_[key.value]);
  }
  const auto ticket = client_.pull_async(kTable, keys, values);
  pause();
  if (!taking_back_ && random_.chance(0.5)) push(draw(2), 1);
  if (random_.chance(0.3)) intend();
  client_.wait(ticket);
  for (size_t i = 0; i < keys.size(); ++i) {
    const size_t at = i * storm_.cells();
    check(keys[i], values.data() + at, seen.data() + at, own[i], own_[keys[i].value]);
  }
}

void Worker::check(Key key, const float* from, const float* at_least, float own_low,
                   float own_high) {
  ++ledger_.reads;
  std::vector<float> row(storm_.cells());
  vec().copy(row.data(), from, row.size());
  const float* base = start(key);
  const auto fail = [&](uint32_t cell, const std::string& why) {
    violation("reads " + std::to_string(row[cell] - base[cell]) + " in cell " +
              std::to_string(cell) + " of row " + std::to_string(key.value) + ", " + why);
  };
  if (row[0] != base[0]) fail(0, "which nobody ever changes");
  const float own = row[cell_] - base[cell_];
  if (own < own_low || own > own_high) {
    fail(cell_, "its own, to which it has added " + std::to_string(own_high));
  }
  if (taking_back_) return;
  float* seen = seen_.data() + size_t{key.value} * storm_.cells();
  for (uint32_t c = kShared; c < storm_.cells(); ++c) {
    if (row[c] < at_least[c]) {
      fail(c, "and has seen " + std::to_string(at_least[c] - base[c]) + " there before");
    }
    seen[c] = std::max(seen[c], row[c]);
    if (ledger_.added.empty()) continue;
    const float added = ledger_.added[size_t{key.value} * storm_.cells() + c];
    if (row[c] > base[c] + added) fail(c, "where only " + std::to_string(added) + " were added");
  }
}

}  // namespace

std::vector<TableOptions> Storm::make_tables() const {
  TableOptions under_test = table;
  under_test.spec = {.name = "storm", .rows = rows, .row_length = cells()};
  under_test.spec.init = {.kind = Initialiser::Kind::uniform,
                          .a = kIntegersFrom + 1'000'000,
                          .b = kIntegersFrom + 2'000'000,
                          .seed = seed};
  TableOptions told;
  told.spec = {.name = "told", .rows = workers(), .row_length = rows};
  told.staleness = table.staleness;
  return {under_test, told};
}

Sampling Storm::make_sampling() const {
  if (sampling.empty()) return {};
  SamplerSpec spec{.name = "draws", .table = kTable, .first = Key{0}, .count = rows};
  return Sampling({spec}, parse_sampling(sampling), seed);
}

void work(WorkerPort& port, TableSet& tables, const Storm& storm, Ledger& ledger) {
  Worker(port, tables, storm, ledger).run();
}

}  // namespace hemiola::storm

#include "tests/visibility_oracle.h"

#include <algorithm>
#include <bit>

#include "hemiola/core/vec.h"

namespace hemiola::oracle {

std::vector<Key> Plan::pushed(uint32_t table, WorkerId worker, uint32_t clock) const {
  std::vector<Key> keys;
  Random random(mix(mix(seed, table), worker.value, clock));
  const uint64_t count = random.below(pushes + 1);
  for (uint64_t i = 0; i < count; ++i) {
    keys.push_back(Key{static_cast<uint32_t>(random.below(rows))});
  }
  return keys;
}

std::vector<TableOptions> Plan::make_tables() const {
  std::vector<TableOptions> made = tables;
  for (uint32_t t = 0; t < made.size(); ++t) {
    made[t].spec = {.name = "table" + std::to_string(t), .rows = rows, .row_length = cells()};
  }
  return made;
}

Expected::Expected(const Plan& plan)
    : rows_(plan.rows),
      cells_(plan.cells()),
      counts_(plan.tables.size() * plan.rows * plan.cells()) {
  for (uint32_t t = 0; t < plan.tables.size(); ++t) {
    for (uint32_t w = 0; w < plan.workers(); ++w) {
      for (uint32_t c = 0; c < plan.clocks(); ++c) {
        for (const Key key : plan.pushed(t, WorkerId{w}, c)) {
          counts_[(t * rows_ + key.value) * cells_ + plan.cell(WorkerId{w}, c)] += 1;
        }
      }
    }
  }
}

namespace {

class Worker {
 public:
  Worker(WorkerPort& port, TableSet& tables, const Plan& plan, const Expected& expected,
         Ledger& ledger)
      : port_(port),
        tables_(tables),
        plan_(plan),
        expected_(expected),
        ledger_(ledger),
        client_(tables, port),
        random_(mix(plan.seed, 77, port.worker().value)),
        own_(plan.tables.size(), std::vector<float>(plan.rows)),
        wanted_(plan.tables.size()) {}

  void run() {
    for (phase_ = 0; phase_ < plan_.phases; ++phase_) {
      base_ = client_.clock();
      for (uint32_t tick = 0; tick <= plan_.ticks; ++tick) {
        if (tick > 0) {
          finish_clock();
          client_.tick();
        }
        start_clock();
        one_clock();
      }
      finish_clock();
      client_.barrier();
      at_barrier_ = true;
      for (uint32_t t = 0; t < tables_.size(); ++t) read_all(t);
      client_.barrier();  // so that nobody adds before all have read
      at_barrier_ = false;
    }
    for (const TableStats& stats : client_.stats()) {
      ledger_.staleness_count += stats.staleness.count();
      ledger_.staleness_sum += static_cast<uint64_t>(
          stats.staleness.mean() * static_cast<double>(stats.staleness.count()) + 0.5);
    }
  }

 private:
  uint32_t plan_clock() const {
    return phase_ * plan_.clocks_in_phase() +
           static_cast<uint32_t>(client_.clock().value - base_.value);
  }
  WorkerId self() const { return port_.worker(); }
  const StalenessRule& rule(uint32_t table) const { return plan_.tables[table].staleness; }

  [[noreturn]] void violation(const std::string& what) const {
    throw Violation("worker " + std::to_string(self().value) + " at clock " +
                    std::to_string(plan_clock()) + " " + what);
  }

  void pause() {
    Duration time{static_cast<int64_t>(random_.below(plan_.work.ns + 1))};
    if (plan_.stall_chance > 0 && random_.chance(plan_.stall_chance)) time = time + plan_.stall;
    plan_.sleeps ? port_.sleep(time) : port_.spend(time);
  }

  // From its call of tick() on a worker counts as being at the next clock.
  void finish_clock() {
    if (ledger_.clocks.empty()) return;
    ledger_.clocks[self().value] = Clock{static_cast<int32_t>(plan_clock() + 1)};
  }

  void start_clock();
  void one_clock();
  void intend(uint32_t table);
  std::vector<Key> draw();
  void add(uint32_t table, Key key);
  void read(uint32_t table);
  void read_all(uint32_t table);
  void check(uint32_t table, Key key, const float* row);
  void check_cell(uint32_t table, WorkerId of, uint32_t clock, float seen, float final_count,
                  Key key);

  WorkerPort& port_;
  TableSet& tables_;
  const Plan& plan_;
  const Expected& expected_;
  Ledger& ledger_;
  Client client_;
  Random random_;
  std::vector<std::vector<float>> own_;   // by table and row: added in the present clock
  std::vector<std::vector<Key>> wanted_;  // by table: of the last intent for reads
  Clock base_;                            // at which the phase began
  uint32_t phase_ = 0;
  bool at_barrier_ = false;
  uint64_t missing_and_extra_ = 0;
};

// Condition 1: nobody starts a clock more than the tightest bound ahead of the slowest.
void Worker::start_clock() {
  for (auto& counts : own_) std::fill(counts.begin(), counts.end(), 0.0f);
  if (ledger_.clocks.empty()) return;
  int32_t bound = StalenessRule::kUnbounded;
  for (const auto& table : plan_.tables) bound = std::min(bound, table.staleness.bound);
  const Clock slowest = *std::min_element(ledger_.clocks.begin(), ledger_.clocks.end());
  const auto floor = static_cast<int32_t>(phase_ * plan_.clocks_in_phase());
  const int32_t ahead = static_cast<int32_t>(plan_clock()) - std::max(slowest.value, floor);
  if (ahead > bound) violation("is " + std::to_string(ahead) + " ahead of the slowest");
}

void Worker::one_clock() {
  struct Step {
    uint32_t table;
    Key key;
    bool read;
  };
  std::vector<Step> steps;
  for (uint32_t t = 0; t < tables_.size(); ++t) {
    if (plan_.intents > 0) intend(t);
    for (const Key key : plan_.pushed(t, self(), plan_clock())) steps.push_back({t, key, false});
    for (uint32_t r = 0; r < plan_.reads; ++r) steps.push_back({t, Key{0}, true});
  }
  shuffle(steps, random_);
  for (const Step& step : steps) {
    pause();
    step.read ? read(step.table) : add(step.table, step.key);
  }
}

std::vector<Key> Worker::draw() {
  std::vector<Key> keys;
  for (uint32_t i = 0; i < plan_.rows_per_read; ++i) {
    keys.push_back(Key{static_cast<uint32_t>(random_.below(plan_.rows))});
  }
  return keys;
}

// Intents that are right: for pushes of this clock and of later ones, and for reads; and others
// that are late, far too early, too long, or for rows that are then not used.
void Worker::intend(uint32_t table) {
  const TableId id{table};
  const Clock now = client_.clock();
  for (int32_t ahead = 0; ahead < 4; ++ahead) {
    if (!random_.chance(plan_.intents)) continue;
    const auto keys = plan_.pushed(table, self(), plan_clock() + static_cast<uint32_t>(ahead));
    client_.intend(id, keys, now + ahead,
                   now + (ahead + 1 + static_cast<int32_t>(random_.below(2))));
  }
  if (random_.chance(plan_.intents)) {
    wanted_[table] = draw();
    client_.intend(id, wanted_[table], now, now + 2);
  }
  if (!random_.chance(plan_.intents / 2)) return;
  const auto first = static_cast<int32_t>(random_.below(8)) - 4;
  const auto span = static_cast<int32_t>(random_.below(10));
  const int32_t early = random_.chance(0.2) ? 1000 : 0;
  client_.intend(id, draw(), now + (first + early), now + (first + early + span));
}

// Adds 1 to the own cell of the present clock, by a push or in place.
void Worker::add(uint32_t table, Key key) {
  const TableId id{table};
  const uint32_t cell = plan_.cell(self(), plan_clock());
  own_[table][key.value] += 1;
  Rows& rows = tables_.rows(id);
  const bool stays = rows.owns(key) && !rows.options().placement.moves();
  const bool in_place = rows.direct() || rows.keeps_copies() || stays;
  if (in_place && random_.chance(0.5)) {
    float* row = client_.row(id, key);
    LatchGuard guard(client_.latches(id), row);
    const float one = 1;
    vec().add(row + cell, &one, 1);
    return;
  }
  std::vector<float> delta(plan_.cells());
  delta[cell] = 1;
  if (!random_.chance(0.2)) return client_.push(id, {&key, 1}, delta);
  // The same key twice in one call: both parts count.
  const std::vector<Key> twice = {key, key};
  delta.resize(2 * plan_.cells());
  client_.push(id, twice, delta);
}

void Worker::read(uint32_t table) {
  const TableId id{table};
  std::vector<Key> keys = draw();
  if (!wanted_[table].empty() && random_.chance(0.5)) keys = wanted_[table];
  if (random_.chance(0.2)) client_.prefetch(id, keys);
  Rows& rows = tables_.rows(id);
  if ((rows.direct() || rows.keeps_copies()) && random_.chance(0.4)) {
    std::vector<float*> pointers(keys.size());
    client_.rows(id, keys, random_.chance(0.5) ? Access::read : Access::write, pointers);
    for (size_t i = 0; i < keys.size(); ++i) check(table, keys[i], pointers[i]);
    return;
  }
  std::vector<float> values(keys.size() * plan_.cells());
  if (random_.chance(0.3)) {
    const auto ticket = client_.pull_async(id, keys, values);
    pause();
    client_.wait(ticket);
  } else {
    client_.pull(id, keys, values);
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    check(table, keys[i], values.data() + i * plan_.cells());
  }
}

void Worker::read_all(uint32_t table) {
  std::vector<float> row(plan_.cells());
  for (uint32_t k = 0; k < plan_.rows; ++k) {
    const Key key{k};
    client_.pull(TableId{table}, {&key, 1}, row);
    check(table, key, row.data());
  }
}

void Worker::check(uint32_t table, Key key, const float* row) {
  ++ledger_.reads;
  std::vector<float> seen(plan_.cells());
  vec().copy(seen.data(), row, seen.size());
  missing_and_extra_ = 0;
  for (uint32_t w = 0; w < plan_.workers(); ++w) {
    for (uint32_t c = 0; c < plan_.clocks(); ++c) {
      const uint32_t cell = plan_.cell(WorkerId{w}, c);
      check_cell(table, WorkerId{w}, c, seen[cell], expected_.at(table, key, cell), key);
      if (!ledger_.hashes.empty()) {
        uint64_t& hash = ledger_.hashes[self().value];
        hash = mix(hash, std::bit_cast<uint32_t>(seen[cell]));
      }
    }
  }
  ledger_.missing_and_extra = std::max(ledger_.missing_and_extra, missing_and_extra_);
}

void Worker::check_cell(uint32_t table, WorkerId of, uint32_t clock, float seen, float final_count,
                        Key key) {
  const auto fail = [&](const char* promise) {
    violation("reads row " + std::to_string(key.value) + " of table " + std::to_string(table) +
              " (" + rule(table).name() + "): of worker " + std::to_string(of.value) + "'s clock " +
              std::to_string(clock) + " it sees " + std::to_string(seen) + " of " +
              std::to_string(final_count) + ", " + promise);
  };
  const StalenessRule& scheme = rule(table);
  const uint32_t phase_start = phase_ * plan_.clocks_in_phase();
  const bool own = of == self();
  if (seen > final_count) fail("more than was ever added");
  if (at_barrier_) {
    if (clock < phase_start + plan_.clocks_in_phase() && seen != final_count) {
      fail("although all were at a barrier since");
    }
    return;
  }
  const uint32_t now = plan_clock();
  if (clock < phase_start && seen != final_count) fail("although a barrier is between");
  if (clock < phase_start) return;
  if (own) {
    const float must = clock < now ? final_count : clock == now ? own_[table][key.value] : 0;
    if (seen != must) fail("not its own updates");
    return;
  }
  if (!scheme.bounded()) return;
  const auto bound = static_cast<uint32_t>(scheme.bound);
  if (clock + bound + 1 <= now && seen != final_count) fail("older than the bound allows");
  if (scheme.strict && clock >= now && seen != 0) fail("which bsp strict must hold back");
  if (clock > now + bound && seen != 0) fail("from beyond what any worker may have reached");
  if (seen != final_count && clock < now) ++missing_and_extra_;
  if (seen != 0 && clock >= now) ++missing_and_extra_;
}

}  // namespace

void work(WorkerPort& port, TableSet& tables, const Plan& plan, const Expected& expected,
          Ledger& ledger) {
  Worker(port, tables, plan, expected, ledger).run();
}

}  // namespace hemiola::oracle

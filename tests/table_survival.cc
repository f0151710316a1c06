#include "tests/table_survival.h"

#include <algorithm>
#include <optional>

#include "hemiola/core/vec.h"
#include "hemiola/table/client.h"
#include "hemiola/table/generation.h"

namespace hemiola::survival {
namespace {

constexpr TableId kTable{0};

// Tells the town when a push is handled; passes everything on.
class Watched : public Machine {
 public:
  Watched(std::unique_ptr<TableMachine> machine, Town& town, uint32_t first_cell,
          WorkerId first_worker)
      : machine_(std::move(machine)),
        town_(town),
        first_cell_(first_cell),
        first_worker_(first_worker) {}

  void on(Event& event, Instant now, Outbox& out) override {
    if (auto* posted = std::get_if<CallPosted>(&event)) {
      const auto& call = static_cast<const TableCall&>(*posted->call);
      if (call.op == TableOp::push) {
        const uint32_t cell = first_cell_ + call.worker.value - first_worker_.value;
        for (const Key key : static_cast<const PushCall&>(call).keys) {
          --town_.count(cell, key).under_way;
        }
      }
    }
    if (const auto* notice = std::get_if<Notice>(&event)) {
      if (std::holds_alternative<JobStarted>(*notice)) town_.has_started();
    }
    machine_->on(event, now, out);
  }
  TableMachine& machine() { return *machine_; }

 private:
  std::unique_ptr<TableMachine> machine_;
  Town& town_;
  uint32_t first_cell_;
  WorkerId first_worker_;
};

// Tells the town when a push is posted.
class WatchedPort : public WorkerPort {
 public:
  WatchedPort(WorkerPort& port, Town& town, uint32_t cell)
      : port_(port), town_(town), cell_(cell) {}

  WorkerId worker() const override { return port_.worker(); }
  void post(Call& call) override {
    if (static_cast<TableCall&>(call).op == TableOp::push) {
      for (const Key key : static_cast<PushCall&>(call).keys) ++town_.count(cell_, key).under_way;
    }
    port_.post(call);
  }
  void wait(Call& call) override { port_.wait(call); }
  Instant now() override { return port_.now(); }
  void spend(Duration cost) override { port_.spend(cost); }
  void sleep(Duration time) override { port_.sleep(time); }

 private:
  WorkerPort& port_;
  Town& town_;
  uint32_t cell_;
};

class Worker {
 public:
  Worker(WorkerPort& port, TableSet& tables, Town& town, uint32_t cell, uint64_t seed)
      : port_(port, town, cell),
        tables_(tables),
        town_(town),
        story_(town.story()),
        client_(tables, port_),
        random_(seed),
        cell_(cell) {}

  void run() {
    for (uint32_t clock = 0; clock < story_.clocks; ++clock) {
      for (uint32_t i = 0; i < story_.calls; ++i) {
        one_call();
        port_.spend(microseconds(static_cast<int64_t>(random_.below(300))));
      }
      if (story_.barrier_every != 0 && clock % story_.barrier_every == 1) {
        client_.barrier();
      } else {
        client_.tick();
      }
    }
    client_.barrier();
    for (int i = 0; i < 8; ++i) {
      port_.sleep(milliseconds(15));
      client_.tick();
    }
    client_.barrier();
  }

 private:
  void one_call() {
    std::vector<Key> keys(1 + random_.below(3));
    for (Key& key : keys) key = Key{static_cast<uint32_t>(random_.below(story_.rows))};
    const uint64_t kind = random_.below(8);
    if (kind == 0) {
      const Clock first = client_.clock() + static_cast<int32_t>(random_.below(3));
      return client_.intend(kTable, keys, first,
                            first + 1 + static_cast<int32_t>(random_.below(4)));
    }
    if (kind <= 2) return pull(keys);
    const Rows& rows = tables_.rows(kTable);
    if (kind <= 4 && (rows.direct() || rows.keeps_copies())) return change(keys);
    push(keys);
  }

  void pull(const std::vector<Key>& keys) {
    std::vector<float> out(keys.size() * story_.cells());
    client_.pull(kTable, keys, out);
    for (size_t i = 0; i < keys.size(); ++i) {
      town_.check_read(cell_, keys[i], out.data() + i * story_.cells());
    }
  }

  void change(std::vector<Key>& keys) {
    std::vector<float*> rows(keys.size());
    client_.rows(kTable, keys, Access::write, rows);
    for (size_t i = 0; i < keys.size(); ++i) {
      town_.check_read(cell_, keys[i], rows[i]);
      const float one = 1;
      vec().add(rows[i] + cell_, &one, 1);
      town_.added(cell_, keys[i], port_.now());
    }
  }

  void push(const std::vector<Key>& keys) {
    std::vector<float> deltas(keys.size() * story_.cells());
    for (size_t i = 0; i < keys.size(); ++i) deltas[i * story_.cells() + cell_] = 1;
    for (const Key key : keys) ++town_.count(cell_, key).in_doubt;
    client_.push(kTable, keys, deltas);
    for (const Key key : keys) {
      --town_.count(cell_, key).in_doubt;
      town_.added(cell_, key, port_.now());
    }
  }

  WatchedPort port_;
  TableSet& tables_;
  Town& town_;
  const Story& story_;
  Client client_;
  Random random_;
  uint32_t cell_;
};

}  // namespace

std::vector<TableOptions> Story::make_tables() const {
  TableOptions storm = table;
  storm.spec = {.name = "storm", .rows = rows, .row_length = cells()};
  if (seed % 2 == 0 && !table.coding.lossy()) {
    storm.spec.init = {.kind = Initialiser::Kind::uniform,
                       .a = 8'388'608 + 1'000'000,  // floats are the integers there
                       .b = 8'388'608 + 2'000'000,
                       .seed = seed};
  }
  return {storm};
}

Town::Town(Story story)
    : story_(std::move(story)),
      counts_(size_t{story_.cells()} * story_.rows),
      start_(size_t{story_.rows} * story_.cells()) {
  const auto tables = story_.make_tables();
  for (uint32_t k = 0; k < story_.rows; ++k) {
    initialise_row(tables[0].spec, Key{k},
                   {start_.data() + size_t{k} * story_.cells(), story_.cells()});
  }
  for (uint32_t n = 0; n < story_.nodes; ++n) join(n);
}

void Town::work(WorkerPort& port, TableSet& tables, uint32_t cell) {
  Worker(port, tables, *this, cell, mix(story_.seed, generation_, cell)).run();
}

void Town::check_read(uint32_t cell, Key key, const float* row) {
  ++reads_;
  for (uint32_t c = 0; c < story_.cells(); ++c) {
    const Count& count = this->count(c, key);
    const auto in = static_cast<int64_t>(row[c] - start(key, c));
    // A push may be noted by the loop before its worker knows.
    const int64_t most = count.added + count.in_doubt;
    const int64_t least = c == cell ? std::max<int64_t>(0, count.added - count.may_lack) : 0;
    if (in >= least && in <= most) continue;
    throw Violation("generation " + std::to_string(generation_) + ": the worker of cell " +
                    std::to_string(cell) + " reads " + std::to_string(in) + " in cell " +
                    std::to_string(c) + " of row " + std::to_string(key.value) + ", not " +
                    std::to_string(least) + " to " + std::to_string(most));
  }
}

uint32_t Town::rank_of(uint32_t name) const {
  const auto at = std::find_if(citizens_.begin(), citizens_.end(),
                               [&](const Citizen& c) { return c.name == name; });
  return static_cast<uint32_t>(at - citizens_.begin());
}

bool Town::is_needed(uint32_t name) const {
  const auto at = std::find(ring_.begin(), ring_.end(), name);
  if (at == ring_.end()) return false;
  const size_t place = static_cast<size_t>(at - ring_.begin());
  const auto died = [&](size_t where) {
    return std::find(dead_.begin(), dead_.end(), ring_[where % ring_.size()]) != dead_.end();
  };
  return died(place + 1) || died(place + ring_.size() - 1);
}

Town::Ending Town::live(sim::WorldOptions options, const std::vector<Kill>& kills, Instant end) {
  ++generation_;
  const auto nodes = static_cast<uint32_t>(citizens_.size());
  const uint32_t each = story_.workers_per_node;
  const bool first = generation_ == 1;
  started_ = false;
  options.deadline = end;
  sets_.clear();
  std::vector<TableMachine*> machines;
  for (uint32_t rank = 0; rank < nodes; ++rank) {
    const Place place{NodeId{rank}, nodes, each};
    sets_.push_back(
        std::make_unique<TableSet>(story_.make_tables(), place, Sampling{}, story_.copies));
  }
  std::vector<Kill> due = kills;
  sim::World* running = nullptr;
  uint32_t events = 0;
  options.after_event = [&] {
    if (++events % 8 == 0) count_remembered(machines, *running, most_);
    std::erase_if(due, [&](const Kill& kill) {
      if (running->now() < kill.at || (kill.once_started && !started_)) return false;
      sim::Fault fault;
      fault.kind = sim::Fault::Kind::kill;
      fault.at = running->now();
      fault.a = NodeId{rank_of(kill.name)};
      running->inject(fault);
      died_ = fault.at;
      return true;
    });
  };
  sim::World world(std::move(options));
  running = &world;
  View view{Epoch{static_cast<uint32_t>(generation_)}, {}};
  for (uint32_t rank = 0; rank < nodes; ++rank) {
    Citizen& citizen = citizens_[rank];
    TableSet& tables = *sets_[rank];
    auto machine = first
                       ? std::make_unique<TableMachine>(tables)
                       : std::make_unique<TableMachine>(
                             tables, TableRestore{std::move(citizen.salvage), ranks_now_, nullptr});
    machines.push_back(machine.get());
    auto core = std::make_unique<NodeCore>(NodeId{rank});
    const uint32_t first_cell = citizen.name * each;
    const WorkerId first_worker = tables.place().first_worker();
    core->add(MachineId::table,
              std::make_unique<Watched>(std::move(machine), *this, first_cell, first_worker));
    world.add_node(std::move(core), [&tables, first_cell, first_worker, this](WorkerPort& port) {
      work(port, tables, first_cell + port.worker().value - first_worker.value);
    });
    view.members.push_back({NodeId{rank}, "", each, first_worker});
  }
  world.start_without_cluster(view, true);
  const sim::Outcome outcome = world.run();
  left_ = {};
  count_remembered(machines, world, left_);
  if (story_.copies == 1) count_lost_rows(machines, world);
  settle(world, machines);
  return {outcome.finished, outcome.stuck_reason, outcome.events};
}

void Town::count_remembered(const std::vector<TableMachine*>& machines, sim::World& world,
                            TableMachine::Remembered& most) const {
  for (uint32_t n = 0; n < machines.size(); ++n) {
    if (!world.alive(NodeId{n})) continue;
    const auto now = machines[n]->remembered();
    most.units = std::max(most.units, now.units);
    most.journal_bytes = std::max(most.journal_bytes, now.journal_bytes);
    most.gifts = std::max(most.gifts, now.gifts);
  }
}

// Its last updates may be lost with it.
void Town::count_out(uint32_t name, Instant died) {
  for (uint32_t w = 0; w < story_.workers_per_node; ++w) {
    for (uint32_t k = 0; k < story_.rows; ++k) {
      Count& count = this->count(name * story_.workers_per_node + w, Key{k});
      const auto old = std::count_if(count.when.begin(), count.when.end(),
                                     [&](Instant at) { return at + story_.lag < died; });
      count.may_lack = std::max(count.may_lack, count.added - old);
    }
  }
}

// Rows that are on no survivor may lack anything.
void Town::count_lost_rows(const std::vector<TableMachine*>& machines, sim::World& world) {
  for (uint32_t k = 0; k < story_.rows; ++k) {
    bool here = false;
    for (uint32_t n = 0; n < machines.size(); ++n) {
      here |= world.alive(NodeId{n}) && sets_[n]->rows(kTable).owns(Key{k});
    }
    for (uint32_t c = 0; c < story_.cells() && !here; ++c) count(c, Key{k}).may_lack = 1'000'000;
  }
}

// What of each survivor's updates must be in from now on, and its salvage; the dead are counted
// out.
void Town::settle(sim::World& world, const std::vector<TableMachine*>& machines) {
  const uint32_t each = story_.workers_per_node;
  std::vector<Citizen> left;
  if (started_) {
    dead_.clear();
    ring_.clear();
    for (const Citizen& citizen : citizens_) ring_.push_back(citizen.name);
  }
  ranks_now_.assign(citizens_.size(), std::nullopt);
  for (uint32_t rank = 0; rank < machines.size(); ++rank) {
    Citizen& citizen = citizens_[rank];
    const bool lives = world.alive(NodeId{rank});
    for (const uint64_t lost : machines[rank]->rows_lost()) lost_ += lost;
    for (uint32_t w = 0; w < each; ++w) {
      for (uint32_t k = 0; k < story_.rows; ++k) {
        Count& count = this->count(citizen.name * each + w, Key{k});
        count.added -= std::exchange(count.under_way, 0);
        // A push that was broken off may be in as far as it went.
        count.added += count.in_doubt;
        count.may_lack += std::exchange(count.in_doubt, 0);
        if (lives) std::fill(count.when.begin(), count.when.end(), Instant{INT64_MIN / 2});
      }
    }
    if (!lives) count_out(citizen.name, died_);
    if (!lives) dead_.push_back(citizen.name);
    if (!lives) continue;
    citizen.salvage = machines[rank]->salvage();
    ranks_now_[rank] = NodeId{static_cast<uint32_t>(left.size())};
    left.push_back(std::move(citizen));
  }
  citizens_ = std::move(left);
}

void Town::check_rows(sim::WorldOptions world) {
  story_.clocks = 0;
  const Ending rest = live(std::move(world), {}, Instant{seconds(600).ns});
  if (!rest.finished) throw Violation("stuck at the end: " + rest.stuck);
  for (uint32_t k = 0; k < story_.rows; ++k) {
    const Key key{k};
    const float* row = nullptr;
    for (const Citizen& citizen : citizens_) {
      const Rows& rows = *citizen.salvage.generations.back()->tables[0];
      if (!rows.owns(key)) continue;
      if (row != nullptr) throw Violation("row " + std::to_string(k) + " has two owners");
      row = rows.adapts() ? rows.shelf().value(rows.shelf().find(key))
                          : rows.owned(rows.partition().index(key));
    }
    if (row == nullptr) throw Violation("row " + std::to_string(k) + " has no owner");
    for (uint32_t c = 0; c < story_.cells(); ++c) {
      const Count& count = this->count(c, key);
      const auto in = static_cast<int64_t>(row[c] - start(key, c));
      const int64_t least = std::max<int64_t>(0, count.added - count.may_lack);
      if (in >= least && in <= count.added) continue;
      throw Violation("at the end cell " + std::to_string(c) + " of row " + std::to_string(k) +
                      " holds " + std::to_string(in) + ", where " + std::to_string(count.added) +
                      " were added, of which " + std::to_string(count.may_lack) + " may lack");
    }
  }
}

}  // namespace hemiola::survival

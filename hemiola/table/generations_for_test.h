// The table machines of a few nodes through generations: messages wait until the test lets them
// through.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/table/leaver.h"
#include "hemiola/table/machine.h"

namespace hemiola {

class GenerationsTest : public testing::Test {
 protected:
  static constexpr TableId kTable{0};
  using Line = std::pair<uint32_t, uint32_t>;

  struct Job {
    uint32_t nodes = 2;
    uint32_t copies = 1;
    const char* placement = "static";
    const char* scheme = "async";
    uint32_t rows = 12;
    Sabotage sabotage = Sabotage::none;
    Duration pace;
  };

  void start(const Job& job) {
    job_ = job;
    lines_.clear();
    make(job.nodes, 0, {}, {});
    for (uint32_t n = 0; n < job.nodes; ++n) feed(n, Notice{JobStarted{}});
  }

  // As start(), but row k begins with 10 k, as from a checkpoint. It is connected, and nothing is
  // let through.
  void load(const Job& job) {
    job_ = job;
    lines_.clear();
    make(job.nodes, 0, {}, {});
    for (uint32_t n = 0; n < job.nodes; ++n) {
      for (uint32_t k = 0; k < job.rows; ++k) {
        if (float* row = owned(n, k)) *row = static_cast<float>(10 * k);
      }
      machines_[n]->rows_were_loaded();
    }
    for (uint32_t n = 0; n < job.nodes; ++n) feed(n, Notice{Connected{}});
  }

  // The next generation: of the parties of this one, those in `stay` and, leaving, those in
  // `leave`, and `newcomers`. It is connected, and nothing is let through.
  void change(const std::vector<uint32_t>& stay, uint32_t newcomers = 0,
              RowSource* lost_rows = nullptr, const std::vector<uint32_t>& leave = {}) {
    std::vector<TableSalvage> salvages;
    std::vector<std::optional<NodeId>> now(parties());
    const auto take = [&](uint32_t n) {
      now[n] = NodeId{static_cast<uint32_t>(salvages.size())};
      salvages.push_back(party(n).salvage());
    };
    for (const uint32_t n : stay) take(n);
    for (uint32_t n = 0; n < newcomers; ++n) salvages.emplace_back();
    for (const uint32_t n : leave) take(n);
    lines_.clear();
    lost_rows_ = lost_rows;
    const auto leaving = static_cast<uint32_t>(leave.size());
    const uint32_t nodes = static_cast<uint32_t>(salvages.size()) - leaving;
    make(nodes, leaving, std::move(salvages), now);
    for (uint32_t n = 0; n < parties(); ++n) feed(n, Notice{Connected{}});
  }
  // All of it, until workers run.
  void change_and_start(const std::vector<uint32_t>& stay, uint32_t newcomers = 0,
                        RowSource* lost_rows = nullptr, const std::vector<uint32_t>& leave = {}) {
    change(stay, newcomers, lost_rows, leave);
    settle();
    for (uint32_t n = 0; n < parties(); ++n) EXPECT_EQ(ready_[n], 1) << "node " << n;
    leavers_.clear();
    std::erase_if(lines_, [&](const auto& line) {
      return line.first.first >= machines_.size() || line.first.second >= machines_.size();
    });
    for (uint32_t n = 0; n < machines_.size(); ++n) feed(n, Notice{JobStarted{}});
    settle();
  }

  uint32_t parties() const { return static_cast<uint32_t>(machines_.size() + leavers_.size()); }
  TableSurvivor& party(uint32_t n) {
    if (n < machines_.size()) return *machines_[n];
    return *leavers_[n - machines_.size()];
  }

  bool let(uint32_t from, uint32_t to) {
    auto& line = lines_[{from, to}];
    if (line.empty()) return false;
    const Outbox::Send next = line.front();
    line.pop_front();
    feed(to, MessageArrived{{NodeId{from}, NodeId{to}, Epoch{1}, next.kind, next.body}});
    return true;
  }
  void settle() {
    for (int i = 0; i < 10'000; ++i) {
      bool any = false;
      std::vector<Line> lines;
      for (const auto& [line, messages] : lines_) {
        if (!messages.empty()) lines.push_back(line);
      }
      for (const Line& line : lines) any |= let(line.first, line.second);
      if (any) continue;
      if (!fire()) return;
    }
    FAIL() << "messages without end";
  }
  // What is on its way is lost, and the link comes again.
  void lose(uint32_t a, uint32_t b) {
    lines_[{a, b}].clear();
    lines_[{b, a}].clear();
    for (const auto& [at, peer] : {Line{a, b}, Line{b, a}}) feed(at, PeerLost{NodeId{peer}, {}});
    for (const auto& [at, peer] : {Line{a, b}, Line{b, a}}) feed(at, PeerUp{NodeId{peer}, true});
  }
  size_t waiting(uint32_t from, uint32_t to) { return lines_[{from, to}].size(); }

  void push(uint32_t node, std::vector<Key> keys, float by = 1) {
    auto& call = make_call<PushCall>(node);
    call.table = kTable;
    for (size_t i = 0; i < keys.size(); ++i) call.deltas.insert(call.deltas.end(), {by, 0});
    call.keys = std::move(keys);
    feed(node, CallPosted{&call});
  }
  FetchCall& fetch(uint32_t node, uint32_t key) {
    auto& call = make_call<FetchCall>(node);
    call.table = kTable;
    call.keys = {Key{key}};
    feed(node, CallPosted{&call});
    return call;
  }
  void want(uint32_t node, uint32_t key) {
    auto& call = make_call<IntendCall>(node);
    call.intents.push_back({kTable, Clock{0}, Clock{1'000'000}, {Key{key}}});
    feed(node, CallPosted{&call});
  }
  void tick(uint32_t node, std::vector<Key> dirty) {
    auto& call = make_call<TickCall>(node);
    call.clock = Clock{++clocks_[node]};
    call.unlinkings = sets_[node]->unlinkings;
    call.dirty = {{kTable, std::move(dirty)}};
    feed(node, CallPosted{&call});
  }

  uint64_t secure(uint32_t node, std::vector<Key> dirty = {}) {
    auto& call = make_call<SecureCall>(node);
    call.dirty = {{kTable, std::move(dirty)}};
    feed(node, CallPosted{&call});
    EXPECT_EQ(call.done, 1);
    return call.point;
  }
  bool is_safe(uint32_t node, uint64_t point) const {
    return sets_[node]->safe_point.load() >= point;
  }

  // The row where it is owned, or nullptr.
  float* owned(uint32_t node, uint32_t key) {
    const Rows& rows = sets_[node]->rows(kTable);
    if (!rows.owns(Key{key})) return nullptr;
    return rows.adapts() ? rows.shelf().value(rows.shelf().find(Key{key}))
                         : rows.owned(rows.partition().index(Key{key}));
  }
  float* copy(uint32_t node, uint32_t key) {
    const Copies& copies = sets_[node]->rows(kTable).view(0);
    const uint32_t slot = copies.find(Key{key});
    return slot == Copies::kNone ? nullptr : copies.value(slot);
  }
  // The first float of a row at its one owner.
  float value(uint32_t key) {
    std::optional<float> found;
    for (uint32_t n = 0; n < machines_.size(); ++n) {
      const float* row = owned(n, key);
      if (row == nullptr) continue;
      EXPECT_FALSE(found) << "row " << key << " has two owners";
      found = *row;
    }
    EXPECT_TRUE(found) << "row " << key << " has no owner";
    return found.value_or(-1);
  }

  template <class T>
  T& make_call(uint32_t node) {
    calls_.push_back(std::make_shared<T>());
    calls_.back()->worker = WorkerId{node};
    return static_cast<T&>(*calls_.back());
  }
  void feed(uint32_t node, Event event) {
    Outbox out;
    now_ = now_ + microseconds(10);
    party(node).on(event, now_, out);
    for (const Outbox::Send& sent : out.sends) {
      EXPECT_NE(sent.to.value, node);
      lines_[{node, sent.to.value}].push_back(sent);
    }
    for (Call* call : out.completions) call->done = 1;
    for (const Outbox::Line& line : out.lines) said_.push_back(line.text);
    for (const Outbox::Wake& wake : out.wakes) {
      if (wake.tag == Backups::kTimer) wakes_.push_back({node, wake.when});
    }
    for (const Notice& notice : out.notices) {
      ready_[node] += std::holds_alternative<StateReady>(notice) ? 1 : 0;
    }
  }
  bool fire() {
    if (wakes_.empty()) return false;
    const auto [node, when] = wakes_.front();
    wakes_.pop_front();
    now_ = std::max(now_, when);
    if (node < machines_.size()) feed(node, TimerFired{MachineId::table, Backups::kTimer});
    return true;
  }

  Job job_;
  std::vector<std::unique_ptr<TableSet>> sets_;
  std::vector<std::unique_ptr<TableMachine>> machines_;
  std::vector<std::unique_ptr<TableLeaver>> leavers_;
  std::map<Line, std::deque<Outbox::Send>> lines_;
  std::deque<std::shared_ptr<TableCall>> calls_;  // shared, so that each is deleted as what it is
  std::deque<std::pair<uint32_t, Instant>> wakes_;
  std::vector<std::string> said_;
  std::vector<int> ready_;
  std::vector<int> clocks_;
  RowSource* lost_rows_ = nullptr;
  Instant now_;

 private:
  void make(uint32_t nodes, uint32_t leaving, std::vector<TableSalvage> salvages,
            const std::vector<std::optional<NodeId>>& now) {
    TableOptions table;
    table.spec = {"t", job_.rows, 2, 0, {}};
    table.staleness = parse_staleness(job_.scheme);
    table.placement = parse_placement(job_.placement);
    table.pace = job_.pace;
    table.sabotage = job_.sabotage;
    machines_.clear();
    leavers_.clear();
    sets_.clear();
    wakes_.clear();
    ready_.assign(nodes + leaving, 0);
    clocks_.assign(nodes, 0);
    for (uint32_t n = 0; n < nodes + leaving; ++n) {
      sets_.push_back(std::make_unique<TableSet>(
          std::vector{table}, Place{NodeId{n}, nodes, 1, leaving}, Sampling{}, job_.copies));
      if (n >= nodes) {
        leavers_.push_back(std::make_unique<TableLeaver>(
            *sets_[n], TableRestore{std::move(salvages[n]), now, lost_rows_}));
      } else if (salvages.empty()) {
        machines_.push_back(std::make_unique<TableMachine>(*sets_[n]));
      } else {
        machines_.push_back(std::make_unique<TableMachine>(
            *sets_[n], TableRestore{std::move(salvages[n]), now, lost_rows_}));
      }
    }
  }
};

}  // namespace hemiola

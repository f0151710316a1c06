// The table machines of a few nodes, and between each two of them a line of messages that the
// test lets through one by one, in any order of the lines.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "hemiola/table/machine.h"

namespace hemiola {

struct NodesForTest {
  uint32_t nodes = 2;
  uint32_t workers = 1;
  const char* placement = "intent";
  const char* scheme = "async";
  uint32_t rows = 12;
  double clip = 0;
  uint8_t lingers = 0;
  uint8_t clings = 0;
  Duration pace;
};

class KeeperTest : public testing::Test {
 protected:
  static constexpr TableId kTable{0};

  void start(const NodesForTest& job) {
    job_ = job;
    TableOptions table;
    table.spec = {"t", job.rows, 2, 0, {}};
    table.staleness = parse_staleness(job.scheme);
    table.placement = parse_placement(job.placement);
    table.clip = job.clip;
    table.lingers = job.lingers;
    table.clings = job.clings;
    table.pace = job.pace;
    for (uint32_t n = 0; n < job.nodes; ++n) {
      sets_.push_back(
          std::make_unique<TableSet>(std::vector{table}, Place{NodeId{n}, job.nodes, job.workers}));
      machines_.push_back(std::make_unique<TableMachine>(*sets_.back()));
    }
    clocks_.assign(job.nodes, std::vector<int>(job.workers));
  }

  // Messages.
  using Line = std::pair<uint32_t, uint32_t>;
  size_t waiting(uint32_t from, uint32_t to) { return lines_[{from, to}].size(); }
  size_t waiting(uint32_t from, uint32_t to, Kind kind) {
    const auto& line = lines_[{from, to}];
    return static_cast<size_t>(
        std::count_if(line.begin(), line.end(), [&](const auto& s) { return s.kind == kind; }));
  }
  // Lets the next message of a line through.
  void let(uint32_t from, uint32_t to) {
    auto& line = lines_[{from, to}];
    ASSERT_FALSE(line.empty()) << "nothing is on its way from " << from << " to " << to;
    const Outbox::Send next = line.front();
    line.pop_front();
    deliver(from, to, next.kind, next.body);
  }
  // All up to and with the next one of this kind.
  void let(uint32_t from, uint32_t to, Kind kind) {
    ASSERT_NE(waiting(from, to, kind), 0u) << "no message " << std::hex << static_cast<int>(kind)
                                           << " is on its way from " << from << " to " << to;
    while (lines_[{from, to}].front().kind != kind) let(from, to);
    let(from, to);
  }
  void let_all(uint32_t from, uint32_t to) {
    while (waiting(from, to) != 0) let(from, to);
  }
  // Until nothing is on its way; the lines in `but` are left alone.
  void settle(const std::set<Line>& but = {}) {
    for (int i = 0; i < 1000; ++i) {
      bool any = false;
      for (const auto& [line, messages] : lines_) {
        if (messages.empty() || but.contains(line)) continue;
        any = true;
        let_all(line.first, line.second);
      }
      if (!any) return;
    }
    FAIL() << "messages without end";
  }
  void deliver(uint32_t from, uint32_t to, Kind kind, Bytes body) {
    feed(to, MessageArrived{{NodeId{from}, NodeId{to}, Epoch{1}, kind, std::move(body)}});
  }
  // What is on its way is lost, and the link comes again.
  void lose(uint32_t a, uint32_t b) {
    lines_[{a, b}].clear();
    lines_[{b, a}].clear();
    for (const auto& [at, peer] : {Line{a, b}, Line{b, a}}) feed(at, PeerLost{NodeId{peer}, {}});
    for (const auto& [at, peer] : {Line{a, b}, Line{b, a}}) feed(at, PeerUp{NodeId{peer}, true});
  }

  // What workers do. A call is done() when the machine has completed it.
  void intend(uint32_t node, std::vector<Key> keys, int first, int last, uint32_t worker = 0) {
    auto& call = make<IntendCall>(node, worker);
    call.clock = Clock{clocks_[node][worker]};
    call.intents.push_back({kTable, Clock{first}, Clock{last}, std::move(keys)});
    post(node, call);
  }
  void want(uint32_t node, uint32_t key, int last = 1'000'000) {
    intend(node, {Key{key}}, clocks_[node][0], last);
  }
  FetchCall& fetch(uint32_t node, uint32_t key, int needed = 0, uint32_t worker = 0) {
    auto& call = make<FetchCall>(node, worker);
    call.table = kTable;
    call.needed = Clock{needed};
    call.keys = {Key{key}};
    post(node, call);
    return call;
  }
  // Adds to the first column of rows that the worker did not find.
  void push(uint32_t node, std::vector<Key> keys, float by = 1, uint32_t worker = 0) {
    auto& call = make<PushCall>(node, worker);
    call.table = kTable;
    for (size_t i = 0; i < keys.size(); ++i) call.deltas.insert(call.deltas.end(), {by, 0});
    call.keys = std::move(keys);
    post(node, call);
  }
  // Adds to the first column of a row in place.
  void change(uint32_t node, uint32_t key, float by = 1) { *at(node, key) += by; }
  TickCall& tick(uint32_t node, std::vector<Key> dirty = {}, uint32_t worker = 0) {
    auto& call = make<TickCall>(node, worker);
    call.clock = Clock{++clocks_[node][worker]};
    call.unlinkings = sets_[node]->unlinkings;
    call.dirty = {{kTable, std::move(dirty)}};
    post(node, call);
    return call;
  }
  BarrierCall& barrier(uint32_t node, uint32_t worker = 0) {
    auto& call = make<BarrierCall>(node, worker);
    call.clock = Clock{clocks_[node][worker]};
    post(node, call);
    return call;
  }
  bool done(const Call& call) const { return call.done != 0; }

  // What stands where.
  const Copies& shelf(uint32_t node) const { return sets_[node]->rows(kTable).shelf(); }
  bool owns(uint32_t node, uint32_t key) const { return shelf(node).owns(Key{key}); }
  bool finds(uint32_t node, uint32_t key) const {
    return shelf(node).find(Key{key}) != Copies::kNone;
  }
  // Has a copy that is kept fresh.
  bool keeps(uint32_t node, uint32_t key) const {
    const auto found = shelf(node).look(Key{key});
    return found.slot != Copies::kNone && !found.owned &&
           shelf(node).source(found.slot) != Copies::kNobody;
  }
  float* at(uint32_t node, uint32_t key) const {
    const uint32_t slot = shelf(node).find(Key{key});
    EXPECT_NE(slot, Copies::kNone) << "node " << node << " has no row " << key;
    return slot == Copies::kNone ? nullptr : shelf(node).value(slot);
  }
  float value(uint32_t node, uint32_t key) const {
    const float* const row = at(node, key);
    return row != nullptr ? *row : -1;
  }
  // The one node that owns it; fails when there are two or none.
  uint32_t owner(uint32_t key) const {
    std::vector<uint32_t> owners;
    for (uint32_t n = 0; n < job_.nodes; ++n) {
      if (owns(n, key)) owners.push_back(n);
    }
    EXPECT_EQ(owners.size(), 1u) << "row " << key;
    return owners.empty() ? UINT32_MAX : owners[0];
  }
  TableSet::Moves& moves(uint32_t node) const { return sets_[node]->moves(kTable); }

  template <class T>
  T& make(uint32_t node, uint32_t worker) {
    calls_.push_back(std::make_shared<T>());
    calls_.back()->worker = WorkerId{node * job_.workers + worker};
    return static_cast<T&>(*calls_.back());
  }
  void post(uint32_t node, Call& call) { feed(node, CallPosted{&call}); }
  void feed(uint32_t node, Event event) {
    Outbox out;
    now_ = now_ + microseconds(10);
    machines_[node]->on(event, now_, out);
    for (const Outbox::Send& sent : out.sends) {
      EXPECT_NE(sent.to.value, node);
      lines_[{node, sent.to.value}].push_back(sent);
    }
    for (Call* call : out.completions) call->done = 1;
    for (const Outbox::Line& line : out.lines) said_.push_back(line.text);
  }

  NodesForTest job_;
  std::vector<std::unique_ptr<TableSet>> sets_;
  std::vector<std::unique_ptr<TableMachine>> machines_;
  std::map<Line, std::deque<Outbox::Send>> lines_;
  std::vector<std::vector<int>> clocks_;
  std::deque<std::shared_ptr<TableCall>> calls_;  // shared, so that each is deleted as what it is
  std::vector<std::string> said_;
  Instant now_;
};

}  // namespace hemiola

#include "hemiola/table/machine.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hemiola {
namespace {

// One table machine under a microscope: node 0 of two, fed by hand.
class TableMachineTest : public testing::Test {
 protected:
  void start(const char* scheme, uint32_t workers = 1) {
    TableOptions options;
    options.spec = {"t", 8, 2, 0, {}};
    options.staleness = parse_staleness(scheme);
    tables_ = std::make_unique<TableSet>(std::vector{options}, Place{NodeId{0}, 2, workers});
    machine_ = std::make_unique<TableMachine>(*tables_);
  }

  void post(Call& call) { feed(CallPosted{&call}); }
  void from_peer(Kind kind, Bytes body) {
    feed(MessageArrived{{NodeId{1}, NodeId{0}, Epoch{1}, kind, std::move(body)}});
  }
  void feed(Event event) {
    out_.clear();
    machine_->on(event, now_, out_);
  }
  void mark_of_peer(int clock, uint32_t batches = 0) {
    from_peer(Kind::mark,
              encode_head(MarkMessage{{0, Clock{0}, Clock{clock}, Clock{0}}, BatchSeq{batches}}));
  }
  // Adds 1 to both columns of an even key, which node 0 owns.
  void update_of_peer(uint32_t batch, uint32_t key) {
    Writer writer;
    writer.put(UpdateHead{BatchSeq{batch}, TableId{0}, WorkerId{1}, Clock{0}});
    writer.put(Key{key}).put(1.0f).put(1.0f);
    from_peer(Kind::update, std::move(writer).take());
  }
  void pull_of_peer(uint32_t request, int needed, std::vector<Key> keys, bool subscribe = false) {
    from_peer(Kind::pull,
              PullBody{request, TableId{0}, Clock{needed}, subscribe, std::move(keys)}.encode());
  }
  void tick(TickCall& call, int clock, std::vector<Key> dirty = {}) {
    call.worker = WorkerId{0};
    call.clock = Clock{clock};
    call.dirty = {{TableId{0}, std::move(dirty)}};
    post(call);
  }
  bool completed(const Call& call) const {
    return std::count(out_.completions.begin(), out_.completions.end(), &call) == 1;
  }
  size_t sent(Kind kind) const {
    return static_cast<size_t>(std::count_if(out_.sends.begin(), out_.sends.end(),
                                             [&](const auto& s) { return s.kind == kind; }));
  }
  float owned(uint32_t key) { return tables_->rows(TableId{0}).owned(key / 2)[0]; }

  std::unique_ptr<TableSet> tables_;
  std::unique_ptr<TableMachine> machine_;
  Outbox out_;
  Instant now_{};
};

TEST_F(TableMachineTest, A_worker_stops_after_just_the_clocks_that_the_bound_allows) {
  start("ssp(2)");
  TickCall one, two, three;
  tick(one, 1);
  EXPECT_TRUE(completed(one));
  EXPECT_EQ(sent(Kind::mark), 1u);
  tick(two, 2);
  EXPECT_TRUE(completed(two));
  tick(three, 3);
  EXPECT_FALSE(completed(three));
  mark_of_peer(1);
  EXPECT_TRUE(completed(three));
}

TEST_F(TableMachineTest, Under_bsp_nobody_starts_a_clock_before_all_have_ended_the_last) {
  start("bsp");
  TickCall first;
  tick(first, 1);
  EXPECT_FALSE(completed(first));
  mark_of_peer(1);
  EXPECT_TRUE(completed(first));
}

TEST_F(TableMachineTest, A_long_wait_says_for_whom) {
  start("bsp");
  TickCall first;
  tick(first, 1);
  ASSERT_EQ(out_.wakes.size(), 1u);
  now_ = Instant{seconds(12).ns};
  feed(TimerFired{MachineId::table, 0});
  ASSERT_EQ(out_.lines.size(), 1u);
  EXPECT_EQ(out_.lines[0].text, "worker 0 has waited 12 s to start clock 1: node 1 is at clock 0");
  feed(TimerFired{MachineId::table, 0});
  EXPECT_TRUE(out_.lines.empty()) << "not again within ten seconds";
}

TEST_F(TableMachineTest, A_pull_that_is_too_fresh_waits_also_when_the_clock_jumps_over_it) {
  start("ssp(9)");
  pull_of_peer(1, 2, {Key{0}});
  EXPECT_EQ(sent(Kind::rows), 0u);
  mark_of_peer(5);
  TickCall call;
  tick(call, 4);  // from 0 to 4: more than was asked for
  EXPECT_EQ(sent(Kind::rows), 1u);
}

TEST_F(TableMachineTest, A_batch_that_comes_again_changes_nothing_and_is_acknowledged) {
  start("ssp(1)");
  update_of_peer(1, 4);
  EXPECT_EQ(owned(4), 1);
  update_of_peer(1, 4);
  EXPECT_EQ(owned(4), 1);
  EXPECT_EQ(sent(Kind::applied), 1u);
}

TEST_F(TableMachineTest, A_batch_after_a_gap_waits_for_what_is_missing_and_so_does_its_mark) {
  start("bsp");
  TickCall call;
  tick(call, 1);
  update_of_peer(2, 4);
  mark_of_peer(1, 2);
  EXPECT_EQ(owned(4), 0);
  EXPECT_FALSE(completed(call));
  update_of_peer(1, 4);
  update_of_peer(2, 4);
  mark_of_peer(1, 2);
  EXPECT_EQ(owned(4), 2);
  EXPECT_TRUE(completed(call));
}

TEST_F(TableMachineTest, A_changed_row_goes_to_its_holders_but_not_to_who_changed_it) {
  start("essp(1)");
  pull_of_peer(1, 0, {Key{2}, Key{4}}, true);
  TickCall call;
  tick(call, 1, {Key{4}});
  mark_of_peer(1);
  EXPECT_EQ(sent(Kind::refresh), 1u);
  EXPECT_EQ(sent(Kind::applied), 1u);
  update_of_peer(1, 2);
  TickCall next;
  tick(next, 2);
  mark_of_peer(2, 1);
  EXPECT_EQ(sent(Kind::refresh), 0u);
}

TEST_F(TableMachineTest, At_most_two_refreshes_are_open_and_what_changes_meanwhile_is_sent_once) {
  start("essp(9)");
  pull_of_peer(1, 0, {Key{4}}, true);
  size_t refreshes = 0;
  std::vector<std::unique_ptr<TickCall>> calls;
  for (int clock = 1; clock <= 6; ++clock) {
    calls.push_back(std::make_unique<TickCall>());
    tick(*calls.back(), clock, {Key{4}});
    mark_of_peer(clock);
    refreshes += sent(Kind::refresh);
  }
  EXPECT_EQ(refreshes, 2u);
  from_peer(Kind::applied, encode_head(AppliedBody{{}, {}, 0, 0, 2}));
  EXPECT_EQ(sent(Kind::refresh), 1u);
  EXPECT_EQ(sent(Kind::applied), 1u);
}

TEST_F(TableMachineTest, Strict_bsp_holds_updates_back_until_their_clock_is_complete) {
  start("bsp strict");
  update_of_peer(1, 4);
  EXPECT_EQ(owned(4), 0);
  mark_of_peer(1, 1);
  EXPECT_EQ(owned(4), 0);
  TickCall call;
  tick(call, 1);
  EXPECT_EQ(owned(4), 1);
}

TEST_F(TableMachineTest, A_barrier_ends_for_all_at_one_clock) {
  start("async", 2);
  BarrierCall first, second;
  first.worker = WorkerId{0};
  first.clock = Clock{7};
  post(first);
  second.worker = WorkerId{1};
  second.clock = Clock{2};
  post(second);
  EXPECT_TRUE(out_.completions.empty());
  from_peer(Kind::mark, encode_head(MarkMessage{{0, Clock{0}, kClockNever, Clock{9}}, {}}));
  EXPECT_TRUE(completed(first) && completed(second));
  EXPECT_EQ(first.clock, Clock{10});
  EXPECT_EQ(second.clock, Clock{10});
}

TEST_F(TableMachineTest, What_cannot_be_read_is_dropped_and_said) {
  start("ssp(1)");
  for (const Kind kind : {Kind::pull, Kind::update, Kind::mark, Kind::applied, Kind::unsubscribe}) {
    from_peer(kind, Bytes::copy_of("?"));
    EXPECT_EQ(out_.lines.size(), 1u) << static_cast<int>(kind);
    EXPECT_TRUE(out_.sends.empty());
  }
  pull_of_peer(1, 0, {Key{3}});  // not a row of this node
  EXPECT_EQ(out_.lines.size(), 1u);
  EXPECT_TRUE(out_.sends.empty());
}

}  // namespace
}  // namespace hemiola

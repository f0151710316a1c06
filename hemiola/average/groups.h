// groups(M, S): workers in groups of about M. A group takes the mean of those of its members who
// are ready as soon as S of them are; groups trade with each other when they like, and nobody
// waits for that. Yan, Shao: Asynchronous Distributed Data Parallelism for Machine Learning
// (LearningSys 2015); the blocks of a round as in US patent 11,373,116, claim 1.
//
// A round: members tell the group's controller when they are ready; it closes the round and names
// those who are in; each sends the others their blocks of its values, averages its own block, and
// sends back to each the way from what it sent to the mean. When all have all of it, all add it to
// their values and go on. Who was late is not touched, and is in the next round.
//
// A trade: the owners of the blocks of one group's last mean and those of another's send each
// other what they share, and each sends its own whole group the way to the mean of both, weighted
// by the groups' sizes. All members of both groups take it, or none.
//
// All changes of values are sums that add up to nothing over those who take them, whatever else
// came into the values meanwhile: so the mean over all workers stays as it is.
//
// Groups are regrouped by speed: controllers report how long their members' steps take to worker
// 0, which sends all controllers a new plan if that is worth it; a controller lets its members go
// there once nothing is under way in its group. Messages of an older plan change nothing.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "hemiola/average/group_controller.h"
#include "hemiola/average/group_member.h"
#include "hemiola/average/group_speeds.h"

namespace hemiola {

class GroupRounds final : public Strategy {
 public:
  explicit GroupRounds(Crew& crew);

  void stepped(WorkerId worker, Instant now, Outbox& out) override;
  void rested(WorkerId worker, Instant now, Outbox& out) override;
  void all_rest() override { ++pass_; }
  void on_message(const Envelope& message, Instant now, Outbox& out) override;
  void on_timer(uint64_t tag, Instant now, Outbox& out) override;
  void up_again(NodeId peer, Instant now, Outbox& out) override;
  bool settled(WorkerId worker) const override { return seat(worker).member.settled(); }
  std::string waits_for(WorkerId worker) const override;

  WorkerId first() const { return crew_.local()[0]; }
  // REQUIRES below: the worker is here.
  const GroupPlan& plan(WorkerId worker) const { return seat(worker).member.plan(); }
  std::span<const float> values(WorkerId worker) const { return crew_.values(worker); }
  uint64_t stale() const { return stale_; }  // messages of older plans

 private:
  struct LocalSeat {
    GroupMember member;
    std::optional<GroupController> controller;
    std::optional<GroupPlan> next;    // once nothing is under way in its group
    uint32_t reported = 0;            // of the controller's rounds
    std::vector<GroupMessage> later;  // of plans that the worker is not in yet
  };

  LocalSeat& seat(WorkerId w) { return seats_[w.value - crew_.local()[0].value]; }
  const LocalSeat& seat(WorkerId w) const { return seats_[w.value - crew_.local()[0].value]; }

  GroupSettings settings() const;
  void control(LocalSeat& s);
  void handle(LocalSeat& s, const GroupMessage& message, Instant now, Outbox& out);
  void handle_in_plan(LocalSeat& s, const GroupMessage& message, Instant now, Outbox& out);
  void after_control(LocalSeat& s, Instant now, Outbox& out);
  void report(LocalSeat& s, Instant now);
  void on_speeds(const GroupMessage& message);
  void send_plan(Kind kind, WorkerId from, WorkerId to, uint32_t plan, const GroupPlan& next);
  GroupPlan read_plan(const GroupMessage& message) const;
  void enter(LocalSeat& s, GroupPlan plan, Instant now, Outbox& out);

  const std::unique_ptr<LinkBasis> basis_;  // with a codec
  GroupPost post_;
  std::vector<LocalSeat> seats_;  // of the local workers
  std::optional<GroupSpeeds> speeds_;
  uint32_t pass_ = 0;
  uint64_t stale_ = 0;
};

}  // namespace hemiola

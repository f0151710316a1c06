// A worker's part in its group: sends its values' blocks to their owners, averages the block that
// it owns, and adds what it gets back to its values. See groups.h.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "hemiola/average/group_codec.h"
#include "hemiola/average/group_plan.h"
#include "hemiola/average/group_post.h"
#include "hemiola/average/strategy.h"

namespace hemiola {

class GroupMember {
 public:
  // Takes what others get for the whole of their values: for sabotage only.
  static constexpr uint32_t kTakesAll = UINT32_MAX;

  // `basis` outlives this; nullptr: values go as they are.
  GroupMember(Crew& crew, GroupPost& post, WorkerId self, std::shared_ptr<const GroupPlan> plan,
              LinkBasis* basis);

  // The worker has ended a step, or all its work of the pass.
  void say_ready(bool rests, uint32_t pass);
  // Its group in the next plan is another; what it has said last is said again there.
  // REQUIRES: nothing is under way.
  void enter(std::shared_ptr<const GroupPlan> plan);
  // Throws std::runtime_error for what cannot be. REQUIRES: is of this plan.
  void on_message(const GroupMessage& message, Outbox& out);

  // Nothing that the worker or its group began is under way. REQUIRES: it rests.
  bool settled() const { return may_rest_ == said_.seat; }
  const GroupPlan& plan() const { return *plan_; }
  std::shared_ptr<const GroupPlan> shared_plan() const { return plan_; }
  uint32_t group() const { return group_; }
  WorkerId controller() const { return plan_->controller(group_); }
  WorkerId self() const { return self_; }

 private:
  static constexpr uint32_t kNobody = UINT32_MAX;
  using WorkKey = std::tuple<GroupWork, uint32_t, uint32_t>;

  // By owner stand what comes from that worker. An owner whose block is empty gets and sends
  // nothing.
  struct Work {
    bool announced = false;
    std::vector<GroupMessage> early;  // came before the controller told of it
    std::vector<WorkerId> owners;     // of the blocks here
    uint32_t index = kNobody;         // of this worker among them
    std::vector<Bytes> parts;         // of this worker's block: of the owners, or of the others
    size_t parts_left = 0;
    std::vector<Bytes> deltas;
    size_t deltas_left = 0;
    Bytes mean;  // of this worker's block
    // fuse
    uint32_t seat = 0;                  // of this worker when it was taken in
    std::vector<WorkerId> overwritten;  // for sabotage only
    // trade
    std::vector<WorkerId> others;  // that own the blocks there
    double weight = 0;             // of the other group
  };

  // Of the last fuse that may be traded: this worker's block of the mean.
  struct Mean {
    uint32_t round = 0;
    uint32_t index = 0;
    size_t owners = 0;
    Bytes values;
  };

  Block block(size_t index, const std::vector<WorkerId>& owners) const {
    return block_of(crew_.values(), index, owners.size());
  }
  GroupHead head_to(WorkerId to, const GroupHead& of) const;
  void say();
  void announce(Work& work);
  void begin_fuse(Work& work, const GroupMessage& message);
  void begin_trade(Work& work, const GroupMessage& message);
  void take_early(Work& work);
  void on_part(Work& work, const GroupMessage& message);
  void on_delta(Work& work, const GroupMessage& message);
  // What worker `peer` sends is encoded, and what it gets.
  bool packed(WorkerId peer) const { return codec_ && !crew_.here(peer); }
  void send_block(WorkerId to, const Block& of, const GroupHead& head);
  Bytes trade_delta(const Work& work, uint32_t owner, const GroupMessage& message) const;
  void average(Work& work, const GroupHead& head);
  void send_deltas(const Work& work, const GroupHead& head);
  void send_packed_deltas(const Work& work, const GroupHead& head);
  void weigh(Work& work, const GroupHead& head);
  void weigh_packed(Work& work, const GroupHead& head);
  void end(Work work, const GroupMessage& message, Outbox& out);

  Crew& crew_;
  GroupPost& post_;
  const WorkerId self_;
  std::optional<GroupCodec> codec_;
  std::shared_ptr<const GroupPlan> plan_;
  uint32_t group_ = 0;
  ReadyTail said_;
  uint32_t may_rest_ = 0;
  std::map<WorkKey, Work> works_;
  Mean mean_;
};

}  // namespace hemiola

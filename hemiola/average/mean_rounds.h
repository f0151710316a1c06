// allreduce, local(H) and outer(H): all workers take the exact mean of their replicas after every
// H steps. All replicas are the same bits behind each round.
//
// With outer, the mean of the changes since the last round is a gradient for Nesterov's method
// (Douillard et al., DiLoCo, 2023); with rate 1 and no momentum it is local(H). With a codec the
// changes are what is encoded; then, too, all replicas are the same bits. With codec auto a trial
// decides on it while the first rounds are run; each time that it changes, a new lane begins.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hemiola/average/codec_trial.h"
#include "hemiola/average/reduction.h"
#include "hemiola/average/strategy.h"

namespace hemiola {

class MeanRounds final : public Strategy {
 public:
  static constexpr uint32_t kLane = 0;
  static constexpr uint32_t kFirstTriedLane = 8;  // and those above

  explicit MeanRounds(Crew& crew);

  void stepped(WorkerId worker, Instant now, Outbox& out) override;
  void rested(WorkerId worker, Instant now, Outbox& out) override;
  void on_message(const Envelope& message, Instant now, Outbox& out) override;
  void up_again(NodeId peer, Instant now, Outbox& out) override;
  bool settled(WorkerId) const override { return !trial_ || !trial_->busy(); }
  std::string codec_note() const override;
  // Of the last round the part of a third node may come later than that everybody rests.
  bool all_settled() const override {
    return !reduction_->busy() && !reduction_->wanted() && !(trial_ && trial_->busy());
  }
  std::string waits_for(WorkerId worker) const override;
  void settle() override;
  void state(StateFields& fields) override;

 private:
  static constexpr size_t kMostEarly = 1 << 20;

  uint32_t next_lane() const { return lane_ == kLane ? kFirstTriedLane : lane_ + 1; }
  uint32_t& steps(WorkerId worker) { return steps_[worker.value - crew_.local()[0].value]; }
  void try_round(Instant now, Outbox& out);
  void gather(std::span<const WorkerId> parts);
  void end_round(Instant now, Outbox& out);
  void change_codec(Instant now, Outbox& out);
  void step_outside(std::span<float> change);

  std::unique_ptr<const Codec> codec_;  // nullptr: none
  std::optional<CodecTrial> trial_;     // codec auto
  uint32_t lane_ = kLane;
  std::optional<Reduction> reduction_;  // of that lane
  std::vector<Envelope> early_;         // of the next lane, if it begins
  Instant began_;                       // the round under way
  std::vector<uint32_t> steps_;         // of the local workers, since the last round
  std::vector<WorkerId> due_;           // wait for the round
  std::vector<float> sum_;              // of several local workers, or of changes
  std::span<float> part_;               // of this node, in the round under way
  std::vector<float> reference_;        // the last mean, where changes are averaged
  std::vector<float> last_mean_;        // the same when a codec may be decided on next
  std::vector<float> momentum_;         // outer
};

}  // namespace hemiola

// The controller of a group: decides when a round is closed and with whom the group trades, and
// sees to it that all take what came of it, or nobody. It holds no values. See groups.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hemiola/average/group_meetings.h"
#include "hemiola/average/group_plan.h"
#include "hemiola/average/group_post.h"

namespace hemiola {

struct GroupSettings {
  uint32_t enough = 1;
  uint32_t trade_every = 1;  // rounds; 0: never
  Duration patience{};       // then two who are ready are enough; 0: without end
  uint64_t seed = 1;
  bool model_to_all = false;  // sabotage: those who were not ready get the model all the same
};

class GroupController {
 public:
  // One member of the group, as far as its controller has heard.
  struct Place {
    WorkerId worker;
    uint32_t said = 0;        // the last seat
    bool ready = false;       // waits for a round
    bool rests = false;       // in pass `pass`
    uint32_t pass = 0;        // of what it said last
    uint32_t may_rest = 0;    // the last seat that was told so
    bool was_ready = false;   // when it was taken into the last round
    bool has_deltas = false;  // in the round under way
    uint32_t round = 0;       // the last one it was taken into
    uint32_t taken = 0;       // the last of them whose deltas are in its values
    bool has_trade = false, took_trade = false;
    Instant ready_since;
    std::optional<Instant> released;  // computes since then
    Duration computed;                // in `steps`
    uint32_t steps = 0;
  };

  GroupController(GroupPost& post, WorkerId self, GroupSettings settings, const GroupPlan& plan,
                  uint32_t group);

  // Throws std::runtime_error for what cannot be. REQUIRES: is of this plan.
  void on_message(const GroupMessage& message, Instant now);
  // Of an older plan than this controller's: the other must not wait for it.
  static void turn_down(GroupPost& post, const GroupHead& proposal);
  void on_timer(Instant now) { try_close(now); }

  // Begins nothing more; when nothing is under way any more, idle() is and stays true.
  void freeze();
  bool frozen() const { return frozen_; }
  bool idle() const;

  uint32_t round() const { return round_; }
  const std::vector<Place>& places() const { return places_; }
  // Of a decision of each kind since the last call, the reason.
  std::vector<std::string> take_reasons() { return std::exchange(reasons_, {}); }
  // When it wants on_timer, if it does.
  std::optional<Instant> take_alarm() { return std::exchange(alarm_, std::nullopt); }
  std::string waits_for() const;

 private:
  struct Fuse {
    std::vector<WorkerId> taken;  // in, rising
    size_t left = 0;              // that have not all deltas
    uint32_t trades = 0;          // that had begun before
    bool in_trade = false;        // one was under way
  };
  // wanted: by the other group, and this one has no mean yet.
  enum class TradeStage : uint8_t { proposed, wanted, running, closed };
  struct Trade {
    TradeStage stage{};
    uint32_t by = 0;  // the group that began it
    uint32_t id = 0;
    uint32_t other = 0;
    uint32_t other_size = 0;
    std::vector<WorkerId> other_owners;
    size_t left = 0;  // members that have not all deltas, then: that have not taken them
    bool other_ready = false, other_ended = false;
  };
  struct Mean {
    uint32_t round = 0;
    std::vector<WorkerId> owners;
  };

  uint32_t size() const { return static_cast<uint32_t>(places_.size()); }
  WorkerId controller_of(uint32_t group) const { return plan_.controller(group); }
  Place* find(WorkerId worker);
  bool at_rest(const Place& place) const { return place.rests && place.pass == pass_; }
  bool running() const { return trade_ && trade_->stage >= TradeStage::running; }
  GroupHead head_of(GroupWork work, uint32_t by, uint32_t id) const;
  void send(Kind kind, GroupHead head, WorkerId to, std::span<const std::byte> tail = {});

  void on_ready(Place& place, const GroupMessage& message, Instant now);
  void on_done(Place& place, const GroupHead& head, Instant now);
  void on_ended(Place& place, const GroupHead& head);
  void on_other(const GroupMessage& message, Instant now);
  std::vector<uint32_t> who_is_in() const;
  GroupState state(Instant now) const;
  void try_close(Instant now);
  void begin_round();
  void end_round(Instant now);

  void propose();
  void on_proposal(const GroupMessage& message, Instant now);
  void read_owners(const GroupMessage& message, Trade& trade) const;
  void send_owners(Kind kind, const Trade& trade);
  void run_trade();
  void try_close_trade();
  void try_end_trade();
  void let_rest();

  GroupPost& post_;
  const WorkerId self_;
  const GroupSettings settings_;
  const GroupPlan plan_;
  const uint32_t group_;
  std::vector<Place> places_;
  GroupMeetings meetings_;
  uint32_t pass_ = 0;  // the newest heard of: who rested in an earlier one works again
  uint32_t round_ = 0;
  uint32_t rounds_ = 0;  // since the last trade
  uint32_t proposals_ = 0;
  uint32_t trades_ = 0;  // begun
  bool frozen_ = false;
  std::optional<Fuse> fuse_;
  std::optional<Trade> trade_;
  std::optional<Mean> mean_;  // that can be traded: no trade's deltas came into it half
  std::vector<std::string> reasons_;
  std::optional<Instant> alarm_;
};

}  // namespace hemiola

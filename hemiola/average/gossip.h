// gossip(H): after every H steps a worker averages with one other, and nobody waits for anybody.
// Lian, Zhang, Zhang, Liu: Asynchronous Decentralized Parallel Stochastic Gradient Descent (ICML
// 2018); with H > 1: Nadiradze et al., SwarmSGD (NeurIPS 2021).
//
//   propose: one's values, from the worker who asks
//   accept:  the other's values as they were before it; busy: ask somebody else
//   done:    from the worker who asked: the answer is in, it need not be kept
//
// Each side adds half the difference of what the two sent, so steps made meanwhile stay, and the
// sum over both is unchanged. One whose own question is open answers busy instead of making the
// other wait, so there is no circle of waiting on any graph. Only two who asked each other at the
// same time take each other's question for the answer.
//
// Questions are numbered by asker. Of each asker a worker remembers the last number and its answer:
// a question or an answer that comes twice counts once, and one that was lost is sent again when
// the link is back.
//
// With a codec, values between nodes are messages of LinkCopies. One that was answered busy has
// moved the copy all the same. What a worker mixes are the copies as of the question and its
// answer: until it has both, it sends that partner nothing else.
#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "hemiola/average/link_copies.h"
#include "hemiola/average/messages.h"
#include "hemiola/average/strategy.h"
#include "hemiola/core/random.h"
#include "hemiola/core/stats.h"

namespace hemiola {

class Gossip final : public Strategy {
 public:
  explicit Gossip(Crew& crew);

  void stepped(WorkerId worker, Instant now, Outbox& out) override;
  void rested(WorkerId, Instant, Outbox&) override {}
  void on_message(const Envelope& message, Instant now, Outbox& out) override;
  void up_again(NodeId peer, Instant now, Outbox& out) override;
  bool settled(WorkerId worker) const override;
  std::string waits_for(WorkerId) const override { return "nobody"; }
  // One exchange that the worker asked for and one that it was asked for, after each H steps.
  double usual_delay() const override { return 2.0 / crew_.options().rule.every; }

  // Of each step: how many exchanges changed the worker's values while it computed.
  const StalenessHistogram& staleness() const { return staleness_; }
  // That workers of this node asked for and that came about; of both askers where two crossed.
  uint64_t exchanges() const { return exchanges_; }

 private:
  struct Question {
    WorkerId partner;
    uint32_t id = 0;
    Bytes body;
  };
  struct Answer {
    uint32_t id = 0;       // of the question
    uint32_t crossed = 0;  // the answerer's own question to the asker that this settled, or 0
    bool yes = false;
    Bytes values;  // that the asker gets; empty: it has them, or the answer is no
  };
  struct Member {
    std::vector<WorkerId> partners;
    Random draws{0};
    uint32_t due = 0;  // steps to the next question
    uint32_t busy_in_a_row = 0;
    uint32_t last_id = 0;
    std::optional<Question> open;
    std::optional<WorkerId> was_busy;
    std::map<WorkerId, Answer> answers;  // the last, by asker
    std::map<WorkerId, LinkCopies> links;
    uint32_t mixes = 0;  // since the worker was last released
    // For sabotage only: the question last answered, and questions that wait.
    Question answered;
    std::vector<std::pair<PeerHead, Bytes>> held;
  };

  Member& member(WorkerId worker) { return members_[worker.value - crew_.local()[0].value]; }
  const Member& member(WorkerId w) const { return members_[w.value - crew_.local()[0].value]; }
  AverageSabotage sabotage() const { return crew_.options().sabotage; }

  WorkerId draw_partner(Member& m);
  void ask(WorkerId worker, Outbox& out);
  void on_question(const PeerHead& head, const Bytes& values, Outbox& out);
  void on_accept(const PeerHead& head, const Bytes& values, Outbox& out);
  void on_busy(const PeerHead& head);
  void send_answer(WorkerId from, WorkerId to, const Answer& answer, Outbox& out);
  void settle(WorkerId worker, Outbox& out);
  bool packed(WorkerId peer) const { return basis_ && !crew_.here(peer); }
  LinkCopies& link(WorkerId worker, WorkerId peer);
  Bytes message(const PeerHead& head);
  void require_values(const PeerHead& head, const Bytes& values);
  void take(const PeerHead& head, const Bytes& values);
  void add_half(const PeerHead& head, const Bytes& theirs, const Bytes& mine);

  const std::unique_ptr<LinkBasis> basis_;
  std::vector<Member> members_;  // of the local workers
  StalenessHistogram staleness_;
  uint64_t exchanges_ = 0;
};

}  // namespace hemiola

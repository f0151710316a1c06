// pushsum(N): workers send shares of their values along a directed graph, with their mass.
// Assran, Loizou, Ballas, Rabbat: Stochastic Gradient Push (ICML 2019); the sums are those of
// Kempe, Dobra, Gehrke (FOCS 2003).
//
// values() are the numerator x, w is the worker's mass, and its model is x / w. When a step ends,
// the worker keeps one share of x and w and sends as many more as it has out-neighbours in that
// step. What comes is added at once, whenever it comes. So the sums of x and of w over all workers
// and all that is under way stay, whatever the graph and however late messages are.
//
// A worker begins step t + 1 only when it has all messages of steps up to t - N, so that it never
// gives away much more than it gets. One who rests has no steps of its own: it pushes up to the
// step of the latest message that it got, under the same rule, so that nobody runs dry or waits
// for it for ever.
//
// Why nobody does: let s be the earliest step of which somebody waits for a message, and R all who
// rest and have not pushed s. In each step's graph as many edges enter R as leave it, and that of
// the missing message leaves. Over one that enters, either a message of s has come, and then its
// receiver would have pushed, since it waits for nothing earlier; or its sender works, has not
// come to s, and waits for nothing.
//
// Messages between two workers are numbered by their steps and added in this order, each once; they
// are kept until they are acknowledged, and sent again when the link is back. (Sending sums of all
// shares so far would need no memory of messages, but in floats such sums lose what they add.)
//
// With a codec, between nodes the model x / w goes by LinkCopies, one way each: a worker sends what
// moves its public copy c to its model, and both ends move m c and m, where m is the share of its
// mass, less by as much as the copy knows less (LinkCopies::share_sent, squared). So both sums stay
// whatever the codec leaves out: what is not known of the model stays with the worker.
//
// A worker at rest whose pushes were caused by a message acknowledges that one only after its own
// pushes were acknowledged (Dijkstra, Scholten: Termination Detection for Diffusing Computations,
// 1980). So when nobody who has worked waits for an acknowledgement, nothing at all is under way.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "hemiola/average/graph.h"
#include "hemiola/average/link_copies.h"
#include "hemiola/average/messages.h"
#include "hemiola/average/strategy.h"
#include "hemiola/core/stats.h"

namespace hemiola {

class PushSum final : public Strategy {
 public:
  explicit PushSum(Crew& crew);

  void stepped(WorkerId worker, Instant now, Outbox& out) override;
  void rested(WorkerId worker, Instant now, Outbox& out) override;
  void on_message(const Envelope& message, Instant now, Outbox& out) override;
  void up_again(NodeId peer, Instant now, Outbox& out) override;
  void state(StateFields& fields) override;
  bool settled(WorkerId worker) const override { return member(worker).open == 0; }
  double mass(WorkerId worker) const override { return member(worker).mass; }
  // A step that is taken at x / w and added to x would move the model by 1 / w of itself, which
  // diverges when w is small. So one with little mass moves its model by the step as it is.
  float times(WorkerId worker) const override {
    if (!crew_.options().steps_by_mass) return 1;
    return static_cast<float>(std::min(1.0, member(worker).mass));
  }
  std::string waits_for(WorkerId worker) const override;
  double usual_delay() const override { return usual_delay_; }

  // How many steps messages were behind those of the worker who got them. At most N.
  const StalenessHistogram& lateness() const { return lateness_; }
  // That the worker has pushed.
  uint32_t steps(WorkerId worker) const { return member(worker).steps; }

  struct Pushed {
    WorkerId from, to;
    uint32_t step = 0;
    double mass = 0;
  };
  // By workers of this node, and not acknowledged.
  std::vector<Pushed> open() const;
  // The message of that step is in the worker's values.
  bool has(WorkerId worker, WorkerId from, uint32_t step) const;

 private:
  struct Sent {
    uint32_t step = 0;
    Bytes body;
  };
  struct Due {
    WorkerId to;
    uint32_t step = 0;
  };
  struct Member {
    double mass = 1;
    uint32_t steps = 0;
    int64_t asked = -1;                            // the latest step of a message that came
    std::map<WorkerId, uint32_t> next;             // by sender: the step of the next message
    std::map<WorkerId, std::deque<Sent>> unacked;  // by receiver
    std::map<WorkerId, LinkCopies> links;          // with a codec, to workers of other nodes
    size_t open = 0;                               // messages in unacked
    std::optional<Due> due;                        // acknowledged when open is 0 again
  };

  Member& member(WorkerId worker) { return members_[worker.value - crew_.local()[0].value]; }
  const Member& member(WorkerId w) const { return members_[w.value - crew_.local()[0].value]; }
  const Graph& graph(uint32_t step) const { return graphs_[step % graphs_.size()]; }

  uint32_t next_step(WorkerId from, WorkerId to, uint32_t least) const;
  std::optional<WorkerId> late(WorkerId worker) const;
  void push(WorkerId worker, Outbox& out);
  void give_plain(WorkerId worker, std::span<const WorkerId> to, float part, double mass,
                  Outbox& out);
  void give_packed(WorkerId worker, std::span<const WorkerId> to, double mass, Outbox& out);
  void send(WorkerId worker, WorkerId to, Bytes body, Outbox& out);
  bool packed(WorkerId peer) const { return basis_ && !crew_.here(peer); }
  LinkCopies& link(WorkerId worker, WorkerId peer);
  void take_in(WorkerId worker, WorkerId from, double mass, const Bytes& body, uint32_t step);
  void push_as_asked(WorkerId worker, Outbox& out);
  void on_push(const Envelope& message, Outbox& out);
  void on_ack(const Envelope& message, Outbox& out);
  void ack(WorkerId worker, const Due& due, Outbox& out);
  void go_on(WorkerId worker, Outbox& out);

  const std::unique_ptr<LinkBasis> basis_;
  std::vector<Graph> graphs_;    // of steps, in turn
  std::vector<Member> members_;  // of the local workers
  std::vector<float> model_;     // of the worker that pushes
  StalenessHistogram lateness_;
  double usual_delay_ = 0;  // the shares of a step, on average over the graphs
};

}  // namespace hemiola

// Rounds of mixing along the edges of a graph: `consensus` (D-PSGD: Lian et al. 2017) and `backup`
// (dynamic backup workers: Xiong et al., arXiv 2102.06280, 2021; search: arXiv 2306.06559).
//
// consensus: in each round a worker takes the weighted mean of its own replica and all neighbours'.
// backup: a round is closed as soon as a CloseRule says so, at any worker, which is heard by all
// along the graph. Whoever is ready by then mixes with those of its neighbours who are; whoever is
// not goes on computing on its own replica, which nobody has changed meanwhile, and is ready for
// the first round that is closed after it is done. Nobody waits for a computation that was not
// waited for by the rule: all that is awaited after the close are answers of the loops.
//
// In every round each worker tells each neighbour exactly one of `done` (it will take part,
// whenever the round is closed) and `skip` (it was closed too early for it). So both ends of an
// edge know the same of it: it is used when both said done, and only then `mix` carries replicas.
//
// Weights are Metropolis' of the whole graph; what an edge that is not used would have carried
// stays with both its ends. So the mean of all replicas stays as it is in every round.
//
// With a codec, `mix` between nodes carries a message of LinkCopies, and what is mixed are copies.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/average/close_rule.h"
#include "hemiola/average/ended_rounds.h"
#include "hemiola/average/link_copies.h"
#include "hemiola/average/strategy.h"

namespace hemiola {

// The graph of the options, or what suits the rule: a ring of up to four workers, of more a random
// graph with four neighbours each. Throws UserError for one whose edges do not go both ways.
Graph mixing_graph(const Crew& crew);

// A round in which a worker took part, as this worker saw it.
struct MixRecord {
  uint32_t round = 0;
  uint32_t epoch = 0;         // its first round, as far as the worker knew
  std::vector<uint8_t> used;  // by neighbour: backup workers are those that are 0
  MixRow row;
};

class NeighbourRounds final : public Strategy {
 public:
  // How far a worker took part: whose rounds are few, whose data weigh less in what all converge
  // to.
  struct Participation {
    uint64_t taken = 0, missed = 0;
    uint32_t longest_gap = 0;  // missed in a row
  };

  explicit NeighbourRounds(Crew& crew);

  void stepped(WorkerId worker, Instant now, Outbox& out) override;
  void rested(WorkerId worker, Instant now, Outbox& out) override;
  void on_message(const Envelope& message, Instant now, Outbox& out) override;
  void up_again(NodeId peer, Instant now, Outbox& out) override;
  bool settled(WorkerId worker) const override;
  float times(WorkerId worker) const override;
  std::string waits_for(WorkerId worker) const override;

  const Graph& graph() const { return graph_; }
  const Graph& tree() const { return tree_; }
  // REQUIRES below: the worker is here.
  const Participation& participation(WorkerId worker) const { return member(worker).part; }
  std::span<const float> values(WorkerId worker) const { return crew_.values(worker); }
  uint32_t round(WorkerId worker) const { return member(worker).round; }
  // The last ones, oldest first.
  const std::deque<MixRecord>& recent(WorkerId worker) const { return member(worker).recent; }

 private:
  static constexpr size_t kRecent = 8;

  // No worker is further ahead of another: every epoch needs every worker, and rounds of two
  // epochs at most are open.
  uint32_t furthest() const { return 4 * crew_.size() + 64; }

  // What a neighbour has said of one round.
  struct Word {
    bool done = false, skips = false;
    Bytes mix;
  };
  struct Neighbour {
    WorkerId id;
    std::map<uint32_t, Word> words;  // of this round and later ones
    bool sent = false;               // this worker's replica, in this round
    uint32_t at = 0;                 // has ended all rounds before, as far as it has told
    std::map<uint32_t, Bytes> kept;  // replicas sent that it may not have got
    std::optional<LinkCopies> link;  // where values are encoded
  };
  // Invariant: all rounds before `closed` are closed, and closed <= round unless the worker takes
  // part in a round that is ending, or rounds have not been looked at yet.
  struct Member {
    WorkerId id;
    std::vector<Neighbour> near;
    std::unique_ptr<CloseRule> rule;  // none under consensus
    std::unique_ptr<EndedRounds> ends;
    uint32_t round = 0;
    uint32_t closed = 0;
    uint32_t decided = 0;   // the last round that this worker ended is the one before
    std::deque<bool> took;  // part in the rounds before this one, as many as may be asked for
    uint32_t wanted = 0;    // at rest: the rounds before this must have ended everywhere
    bool ready = false;     // takes part in this round
    uint32_t missed = 0;    // rounds since the last one taken part in
    Participation part;
    std::deque<MixRecord> recent;
  };

  Member& member(WorkerId w) { return members_[w.value - crew_.local()[0].value]; }
  const Member& member(WorkerId w) const { return members_[w.value - crew_.local()[0].value]; }

  bool can_be(const Member& m, const Neighbour& from, Kind kind, uint32_t round) const;
  bool holds(const Member& m, Neighbour& from, uint32_t round, const Bytes& body) const;
  void hear(Member& m, Neighbour& from, Kind kind, uint32_t round, const Bytes& body, Outbox& out);
  void advance(Member& m, Outbox& out);
  bool becomes_ready(const Member& m) const;
  void get_ready(Member& m, Outbox& out);
  void ask_rule(Member& m, Outbox& out);
  void raise_closed(Member& m, uint32_t closed, WorkerId heard_from, Outbox& out);
  void skip_round(Member& m, Outbox& out);
  bool exchange(Member& m, Outbox& out);
  void mix_and_end(Member& m, Outbox& out);
  Bytes encoded(const Member& m, Neighbour& to);
  void mix(Member& m, const MixRecord& record);
  void next_round(Member& m, bool took_part);
  void say_again(Member& m, Neighbour& n, Outbox& out);
  void tell(const Member& m, WorkerId to, Kind kind, uint32_t round, Outbox& out,
            uint32_t extra = 0);
  void send_notes(Member& m, Outbox& out);

  const bool backup_;
  Graph graph_, tree_;
  const std::unique_ptr<LinkBasis> basis_;
  std::vector<Member> members_;  // of the local workers
  std::vector<float> change_;    // of a part of the values, while mixing
};

}  // namespace hemiola

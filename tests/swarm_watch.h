// What is watched in a swarm's job, on all nodes and over all their lives: one view per epoch, no
// block done again that a node which is there has done, each example of an epoch counted once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "hemiola/cluster/calls.h"
#include "hemiola/core/machine.h"
#include "hemiola/core/view.h"
#include "hemiola/core/worker_port.h"
#include "hemiola/train/worker.h"

namespace hemiola::swarm {

// A process: a node, and which of those that have been this node.
struct Life {
  NodeId node;
  uint64_t instance = 0;
  View view;             // the latest that it knows
  bool started = false;  // its workers have run
  Epoch started_under;   // the latest view in which they have
  bool over = false;
  bool fenced = false;
  std::optional<Instant> died{};  // was killed
  bool asked_to_leave = false;
  bool left = false;
};

class Watch : public RunListener {
 public:
  Watch(uint32_t epochs, uint64_t examples) : epochs_(epochs), examples_(examples) {}

  Life& born(NodeId node);
  // The latest process of the node.
  Life& life(NodeId node) { return *now_.at(node.value); }
  const Life& life(NodeId node) const { return *now_.at(node.value); }
  const std::vector<std::unique_ptr<Life>>& lives() const { return lives_; }
  static bool present(const Life& who, const View& view);
  // Hears what the cluster machine tells the others of the node.
  std::unique_ptr<Machine> ear(Life& life);
  // Runs the workers' code behind a port that hears their calls to the cluster.
  void run(WorkerPort& port, Life& life, const std::function<void(WorkerPort&)>& main);

  // The first thing that was wrong; empty: nothing.
  const std::string& wrong() const { return wrong_; }
  bool finished() const { return finished_; }
  // It ended in order, but early: nobody was left but nodes that were asked to leave.
  bool early() const { return early_; }
  // Those who had learnt something are all gone, and the others said so.
  bool given_up() const { return given_up_; }
  void expect_throws_of(NodeId node) { throwing_ = node; }
  double first_loss() const { return first_loss_; }
  double loss() const { return loss_; }
  uint64_t views() const { return views_.size(); }
  std::function<void(Life&)> on_over;
  std::function<void()> on_view;    // before it is looked at
  std::function<void()> on_motion;  // something of a view, or from one to the next

  // All who knew of the job are gone.
  void begin_anew();

  void say_wrong(const std::string& text);
  void heard(Life& life, const Notice& notice);
  void block_told(const Life& life, uint32_t pass, const BlockDone& done);
  void block_given(const Life& life, uint32_t pass, uint32_t block);

  bool wants_live() override { return false; }
  void live(const LiveState&) override {}
  void epoch(const EpochRecord& record) override;
  void done_before(const std::vector<EpochRecord>& records) override;
  void finished(const RunTotals& totals, double seconds) override;
  void saved(const std::string&, uint64_t, const std::vector<uint32_t>&) override {}

 private:
  bool anyone_has_worked(const View& view) const;
  bool anyone_works() const;
  const uint32_t epochs_;
  const uint64_t examples_;
  std::vector<std::unique_ptr<Life>> lives_;
  std::map<uint32_t, Life*> now_;  // by node
  std::map<uint32_t, std::vector<std::byte>> views_;
  struct Done {
    const Life* by = nullptr;
    Epoch under;  // the view that it had then
  };
  std::map<std::pair<uint32_t, uint32_t>, Done> done_;  // by pass and block
  std::optional<NodeId> throwing_;
  bool finished_ = false;
  bool early_ = false;
  bool given_up_ = false;
  std::map<uint32_t, double> ended_;  // by epoch
  double first_loss_ = 0;
  double loss_ = 0;
  std::string wrong_;
};

}  // namespace hemiola::swarm

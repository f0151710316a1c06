// A machine: one protocol as a pure state. An event and the time go in, effects come out.
//
// Machines have no clock, thread, socket or file. A driver (net/ for real, sim/ in virtual time)
// feeds them one event at a time and then carries out what stands in the outbox, in order.
// Time stands still while an event is handled.
#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "hemiola/core/message.h"
#include "hemiola/core/types.h"
#include "hemiola/core/view.h"

namespace hemiola {

// What a worker asks of a machine. Folders derive their calls from it (table/calls.h,
// cluster/calls.h). The worker owns the call and may not touch it from post until it is done;
// the machine reads and fills it meanwhile, buffers included.
struct Call {
  explicit Call(MachineId t) : target(t) {}

  MachineId target;
  WorkerId worker;
  // Empty when it went well; else one sentence for the user, thrown out of wait() as UserError.
  std::string error;

  // The driver's: set when the machine has completed the call. A call is posted again only
  // after it was done and reset.
  std::atomic<uint32_t> done{0};
  Call* next = nullptr;  // the driver's: links the calls that wait for the loop
};

struct MessageArrived {
  Envelope envelope;
};
struct TimerFired {
  MachineId target{};
  uint64_t tag = 0;
};
struct CallPosted {
  Call* call = nullptr;
};
// The link to a peer works; again: it was lost before, so messages may be missing.
struct PeerUp {
  NodeId peer;
  bool again = false;
};
// The link to a peer is gone, or could not be made; `why` is for people.
struct PeerLost {
  NodeId peer;
  std::string why;
  bool final = false;  // the peer refused this node: dialling again will not help
};

// All workers of this node have ended, as Parting wanted it.
struct Parted {};
// The user, or the system, wants this node to leave the job in order, or the whole job to end so.
struct LeaveAsked {
  bool whole_job = false;
};
// What the keeper of views (cluster/options.h) holds now; epoch 0: there was no view yet.
struct ViewStored {
  View view;
};
// The keeper of views does not answer.
struct StoreLost {
  std::string why;
};

// What one machine of a node tells the others of the same node. The order, in each generation:
// ViewChanged, Connected, StateReady of each machine of shared state, JobStarted; and, when who is
// here changes, Parting and all of it again under the next view.
//
// Parting: the driver ends the workers of this node (their calls are forgotten, their waits throw
// JobEnded) and then says Parted. Until the next view, machines of shared state get no events; they
// are then replaced by machines for that view (core/node_core.h).
struct Parting {};
struct ViewChanged {
  View view;
};
// The links to all members of the view work.
struct Connected {};
// Rows of nodes that are gone, as their new owners have got them.
struct RowsRecovered {
  uint64_t from_backups = 0;
  uint64_t from_checkpoint = 0;
  uint64_t initial = 0;  // lost: they are as they were at first

  RowsRecovered& operator+=(const RowsRecovered& other) {
    from_backups += other.from_backups;
    from_checkpoint += other.from_checkpoint;
    initial += other.initial;
    return *this;
  }
};
// A machine of shared state has what it needs to go on with under this view.
struct StateReady {
  MachineId from{};
  RowsRecovered rows{};  // by this node
};
// All nodes are ready: workers may start.
struct JobStarted {};
// The job is over; ok: as planned. Waiting workers are released with JobEnded.
struct JobOver {
  bool ok = false;
  std::string reason;
  bool fenced = false;  // for this node only: the others have gone on without it
  bool early = false;   // in order, but before all was done, as it was asked to
  bool left = false;    // for this node only, in order: the others have what it had
  bool alone = false;   // for this node only: its worker failed, and the others are spared it
};
using Notice = std::variant<ViewChanged, JobStarted, JobOver, Parting, Connected, StateReady>;

using Event = std::variant<MessageArrived, TimerFired, CallPosted, PeerUp, PeerLost, Notice, Parted,
                           ViewStored, StoreLost, LeaveAsked>;

enum class Level : uint8_t { debug, info, warning, error };

// Effects, in the order in which they were wanted within each list. Drivers carry out `sends`
// first, so a completed call implies that its messages are on their way.
struct Outbox {
  struct Send {
    NodeId to;
    Kind kind{};
    Bytes body;
  };
  struct Wake {
    MachineId target{};
    uint64_t tag = 0;
    Instant when;
  };
  struct Dial {
    NodeId peer;
    std::string address;
  };
  // To the keeper of views: `view` is to follow the one of epoch `after`. ViewStored follows, with
  // whatever view it holds then.
  struct Proposal {
    Epoch after;
    View view;
  };
  struct Line {
    Level level{};
    std::string text;
  };

  std::vector<Send> sends;  // to any member, the node itself included
  std::vector<Wake> wakes;  // one TimerFired each; timers are not cancelled, only ignored
  std::vector<Call*> completions;
  std::vector<Notice> notices;
  std::vector<Dial> dials;      // connect to a peer: PeerUp or PeerLost follows
  std::vector<NodeId> hangups;  // close the link to a peer; nothing follows
  std::vector<Proposal> proposals;
  std::vector<Line> lines;  // for the log

  void send(NodeId to, Kind kind, Bytes body) { sends.push_back({to, kind, std::move(body)}); }
  void wake_at(MachineId target, Instant when, uint64_t tag) {
    wakes.push_back({target, tag, when});
  }
  void complete(Call& call) { completions.push_back(&call); }
  void complete(Call& call, std::string error) {
    call.error = std::move(error);
    completions.push_back(&call);
  }
  void tell(Notice notice) { notices.push_back(std::move(notice)); }
  void dial(NodeId peer, std::string address) { dials.push_back({peer, std::move(address)}); }
  void say(Level level, std::string text) { lines.push_back({level, std::move(text)}); }

  void clear() {
    sends.clear(), wakes.clear(), completions.clear();
    notices.clear(), dials.clear(), lines.clear();
    hangups.clear(), proposals.clear();
  }
};

class Machine {
 public:
  virtual ~Machine() = default;
  virtual void on(Event& event, Instant now, Outbox& out) = 0;
};

}  // namespace hemiola

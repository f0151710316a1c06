// The bodies of all cluster messages.
//
// Each has encode(), and a decode() that gives nothing when the bytes are not exactly one such
// message. Decoders check form only; whether a message makes sense is for its reader to judge.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hemiola/cluster/agenda.h"
#include "hemiola/core/bytes.h"
#include "hemiola/core/message.h"
#include "hemiola/core/types.h"
#include "hemiola/core/view.h"

namespace hemiola {

// In the place of a worker: none, the node as a whole is meant.
inline constexpr WorkerId kNoWorker{UINT32_MAX};

// node → leader: let me in.
struct Join {
  uint16_t version = kWireVersion;
  NodeId rank;
  uint32_t nodes = 0;
  uint32_t workers = 0;
  uint64_t instance = 0;
  uint64_t job_hash = 0;
  std::string address;
  std::string job_summary;

  Bytes encode() const;
  // Version and instance stay in front in all versions; with another version than kWireVersion
  // only they are read.
  static std::optional<Join> decode(const Bytes& body);
};

// leader → all: who is here; as encode_view() writes it (core/view.h).

// node → leader: I am connected to all and have what I need; this is what I know of the work, so
// many blocks my workers had in hand, and these rows of others I have now.
// leader → all: everyone is; here the work goes on.
struct Ready {
  Agenda agenda;
  uint64_t blocks_again = 0;
  RowsRecovered rows;

  Bytes encode() const;
  static std::optional<Ready> decode(const Bytes& body);
};
using Start = Ready;

// On every link, from which process. What the leader tells beside: how long the job has run, and
// for whom workers wait, if they do.
struct Heartbeat {
  uint64_t number = 0;
  Duration elapsed;
  std::string blocks_wait_for;
  std::string reduce_waits_for;
  std::string finish_waits_for;
  uint64_t instance = 0;
  bool winds_up = false;  // the job is to end: nobody gets another block

  Bytes encode() const;
  static std::optional<Heartbeat> decode(const Bytes& body);
};

// node → leader: something that the job does not survive.
struct Failed {
  enum class What : uint8_t {
    worker,       // subject: the worker, or kNoWorker
    lost,         // subject: the node whose link broke
    silent,       // subject: the node that says nothing
    unreachable,  // subject: the node that cannot be connected to
    nonsense,     // subject: the node that sent it
    alone,        // subject: the worker, for whose failure only its node is to go
  };
  What what{};
  uint32_t subject = 0;
  std::string text;

  bool of_worker() const { return what == What::worker || what == What::alone; }

  Bytes encode() const;
  static std::optional<Failed> decode(const Bytes& body);
};

// node → leader: this worker is through; kNoWorker: the node has taken note of the end.
struct Finished {
  WorkerId worker;

  Bytes encode() const;
  static std::optional<Finished> decode(const Bytes& body);
};

// leader → node: the job is over, or (instance not 0) that instance is not let in.
struct End {
  bool ok = false;
  uint64_t instance = 0;
  std::string reason;
  bool early = false;

  Bytes encode() const;
  static std::optional<End> decode(const Bytes& body);
};

// node → leader and the one who would lead next: these blocks of the pass are done.
struct BlocksDone {
  uint32_t pass = 0;
  std::vector<BlockDone> blocks;

  Bytes encode() const;
  static std::optional<BlocksDone> decode(const Bytes& body);
};

// node → leader: I am asked to leave, or to end the job.
struct AskLeave {
  bool whole_job = false;

  Bytes encode() const;
  static std::optional<AskLeave> decode(const Bytes& body);
};

struct WantBlock {
  WorkerId worker;
  uint32_t pass = 0;
  uint64_t seed = 0;
  uint32_t blocks = 0;     // in the asker's plan
  uint64_t plan_hash = 0;  // of the asker's plan

  Bytes encode() const;
  static std::optional<WantBlock> decode(const Bytes& body);
};

struct GiveBlock {
  WorkerId worker;
  uint32_t pass = 0;
  std::optional<uint32_t> block;
  bool cut = false;  // there would be one, but the job is to end

  Bytes encode() const;
  static std::optional<GiveBlock> decode(const Bytes& body);
};

struct ReducePart {
  WorkerId worker;
  uint32_t round = 0;
  std::optional<uint32_t> closes;  // the pass that it ends
  std::vector<double> values;
  bool cut = false;  // the worker got not all of the pass that there was for it

  Bytes encode() const;
  static std::optional<ReducePart> decode(const Bytes& body);
};

struct ReduceSum {
  uint32_t round = 0;
  std::optional<uint32_t> closes;
  PassTotals totals;      // of it; reduced: the sum, also when no pass ends
  bool winds_up = false;  // no pass begins after this

  Bytes encode() const;
  static std::optional<ReduceSum> decode(const Bytes& body);
};

}  // namespace hemiola

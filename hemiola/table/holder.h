// A node as the holder of copies of other nodes' rows: fetches them, sends on what its workers
// add, and takes in refreshes without losing or doubling its own updates.
//
// A fetched or refreshed row tells which of our batches are in it. Those sent but not in it are
// kept until acknowledged and are laid over it (Ho et al. 2013, read-my-writes).
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "hemiola/table/calls.h"
#include "hemiola/table/generation.h"
#include "hemiola/table/owner.h"

namespace hemiola {

class Holder {
 public:
  // own: the rows of this node; strict tables update them like those of others.
  Holder(TableSet& tables, Owner& own, Backups& backups);

  void fetch(FetchCall& call, Outbox& out);
  void push(PushCall& call, Outbox& out);
  // Sends what a worker changed in the clock that ends now.
  void flush(WorkerId worker, Clock clock, DirtyKeys& dirty, Outbox& out);

  void rows(NodeId from, const Bytes& body, Outbox& out);
  void refresh(NodeId from, const Bytes& body, Outbox& out);
  void applied(NodeId from, const AppliedBody& body, Outbox& out);

  // Drops copies beyond the tables' limits; called after a worker's tick.
  void evict(const TickCall& call, Outbox& out);

  // The last batch that was sent to an owner.
  BatchSeq sent(NodeId owner) const { return channels_[owner.value].last; }

  void link_again(NodeId peer, Outbox& out);

  // So many rows of batches to an owner are in their rows and in the backups of those.
  bool safe(NodeId owner, std::span<const SafeRecord> records);
  // Of the batches to an owner, those below this one are kept no more.
  uint32_t low(NodeId owner) const { return channels_[owner.value].kept.low(); }
  // The last batches that were made, by owner; are all through those safe?
  std::vector<uint32_t> last_batches() const;
  bool safe_through(const std::vector<uint32_t>& batches) const;
  size_t journal_bytes() const;
  void salvage(TableGeneration& into);

  // An owner that is too far behind with our batches, if any: workers should not add to them.
  std::optional<NodeId> backlog() const;
  // A fetch that waits: for whom.
  std::optional<NodeId> fetch_waits_for(const FetchCall& call) const;

 private:
  static constexpr size_t kChunkBytes = size_t{1} << 20;
  static constexpr size_t kBacklogBytes = size_t{64} << 20;

  struct Batch {
    BatchSeq number;
    TableId table;
    Bytes body;
    // Record of each key, made when first needed.
    std::unordered_multimap<Key, uint32_t> index;
  };
  struct Channel {  // to one owner
    BatchSeq last;
    std::deque<Batch> unacked;
    size_t unacked_bytes = 0;
    uint32_t round = 0;  // last one taken in
    Journal kept;        // with backups: batches that are not safe
  };
  struct Request {
    FetchCall* call = nullptr;
    NodeId owner;
    PullBody pull;
    std::vector<uint32_t> places;  // in call->keys; the keys are pull.keys
  };
  struct Parked {  // waits for a refresh of rows that are held
    FetchCall* call = nullptr;
    NodeId owner;
  };
  struct Dropped {
    TableId table;
    uint32_t view = 0;
    std::vector<std::pair<Key, uint32_t>> keys;  // with the number of their unlinking
    uint64_t workers_to_tick = 0;                // bit per local worker
    uint64_t unlinking = 0;                      // TableSet::unlinkings then
  };

  Copies& view_of(const FetchCall& call) const;
  void flush_owned(const DirtyKeys& dirty);
  bool take_change(const Rows& rows, const Copies& copies, uint32_t slot, bool packed,
                   std::byte* to);
  void add_sent(const Rows& rows, Key key, const float* delta);
  void release(const Dropped& dropped, const TickCall& call, Outbox& out);
  void drop_copies(TableId table, uint32_t view, Outbox& out);
  std::unordered_set<Key> asked_for(TableId table) const;
  size_t close_batch(NodeId owner, Writer& writer, TableId table, Outbox& out);
  void install(Copies& copies, TableId table, Key key, const float* fresh, Clock tag, NodeId owner,
               BatchSeq applied);
  const float* with_unapplied(TableId table, Key key, const float* fresh, NodeId owner,
                              BatchSeq applied);
  void acked(NodeId owner, BatchSeq number);
  void answered(FetchCall& call, NodeId by, Outbox& out);

  TableSet& tables_;
  Owner& own_;
  Backups& backups_;
  std::vector<Channel> channels_;  // by owner
  std::unordered_map<uint32_t, Request> requests_;
  uint32_t last_request_ = 0;
  std::vector<Parked> parked_;
  std::vector<Dropped> dropped_;
  std::vector<float> scratch_, change_;
  RowPacker packer_;
};

}  // namespace hemiola

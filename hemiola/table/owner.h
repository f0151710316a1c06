// A node as the owner of rows: adds what arrives, answers pulls, and sends changed rows to those
// who hold copies.
//
// Exactly once: each peer numbers its batches without gaps; a batch at or below the last number
// received is a repeat and changes nothing. Bounded: at most kRoundsOpen refreshes are on their
// way to a peer; rows that change meanwhile are sent once, with the next.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "hemiola/core/machine.h"
#include "hemiola/table/backups.h"
#include "hemiola/table/messages.h"
#include "hemiola/table/row_packer.h"
#include "hemiola/table/table_set.h"

namespace hemiola {

class Owner {
 public:
  Owner(TableSet& tables, Backups& backups);

  void pull(NodeId from, PullBody pull, Outbox& out);
  void update(NodeId from, const Bytes& body, Outbox& out);
  void unsubscribe(NodeId from, const PullBody& keys);

  // A worker of this node changed an owned row in place.
  void changed_here(TableId table, Key key) { changed(table, key, tables_.place().self); }

  // Every update of clocks below `complete` is here. Adds what strict tables held back, answers
  // waiting pulls, and tells the holders.
  void advance(Clock complete, Outbox& out);

  // A peer ticked: the moment to refresh its copies of tables without a bound.
  void peer_ticked(NodeId peer, Outbox& out);
  void peer_took_in(NodeId peer, uint32_t round, Outbox& out);

  void link_lost(NodeId peer);
  void link_again(NodeId peer, Outbox& out);

  // The last batch of a peer that is here, all before it included.
  BatchSeq received(NodeId peer) const { return peers_[peer.value].received; }
  Clock complete() const { return complete_; }
  // Of this node's own batches, some through this one are still held back.
  bool holds_back_own(uint32_t through) const;

  // Adds what strict tables held back, of clocks that nobody will complete.
  void add_held_back() { apply_held_back(kClockNever); }

 private:
  static constexpr uint32_t kRoundsOpen = 2;
  static constexpr uint32_t kBatchesUnacked = 16;
  static constexpr size_t kChunkBytes = size_t{1} << 20;

  // Who holds a copy of an owned row, and to whom a change of it is still to be sent: a bit for
  // each node and row. Empty in tables without push.
  struct Holders {
    std::vector<uint64_t> subscribed;
    std::vector<uint64_t> pending;
  };
  // Rows (indices among the owned) per table.
  using RowLists = std::vector<std::vector<uint32_t>>;

  struct Round {
    uint32_t number = 0;
    RowLists rows;
  };
  struct Peer {
    BatchSeq received;
    uint32_t unacked = 0;    // batches since the last message that told `received`
    RowLists pending;        // rows to be sent with the next round
    std::deque<Round> open;  // sent and not yet taken in
    uint32_t rounds = 0;     // number of the last one
    uint32_t taken = 0;      // of the last one that the peer has taken in
    bool owes = false;       // a round is due but kRoundsOpen are open
  };
  struct Waiting {
    NodeId from;
    PullBody pull;
  };
  struct HeldBack {
    UpdateHead head;
    Bytes body;
  };

  void changed(TableId table, Key key, NodeId by);
  void apply(NodeId from, const UpdateHead& head, const Bytes& body);
  void apply_held_back(Clock below);
  void answer(NodeId from, const PullBody& pull, Outbox& out);
  void refresh(NodeId to, Outbox& out);
  void send_round(NodeId to, uint32_t after, Outbox& out);
  void send_rows(NodeId to, TableId table, const std::vector<uint32_t>& rows, Outbox& out);
  void acknowledge(NodeId to, uint32_t round, uint32_t after, Outbox& out);
  bool valid(const PullBody& pull) const;

  TableSet& tables_;
  Backups& backups_;
  std::vector<Holders> holders_;     // by table
  size_t words_;                     // of 64 bits per row in Holders
  std::vector<Peer> peers_;          // by node
  std::vector<Waiting> waiting_;     // pulls for which complete_ is too low
  std::vector<HeldBack> held_back_;  // of strict tables, until their clock is complete
  Clock complete_;
  RowPacker packer_;
};

}  // namespace hemiola

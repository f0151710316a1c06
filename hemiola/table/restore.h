// The begin of a generation that goes on from others: what nodes know is brought together.
//
// All tell which generations they have something of, and so agree on the one to go on from. Then
// each offers rows to their new owners: those that it owned, those that it had given away and that
// may have arrived nowhere, and its backups of rows of a node that is gone. A new owner takes the
// best of each row: that of the most moves, and of those the owner's before its backup's before the
// giver's. When all have offered, it asks for what is to be added: updates that were sent and may
// not be in the rows, which the units of the row tell, and differences that were never sent. So
// each update is in once, and a node that has everybody's last word is done.
//
// A node that leaves takes part like all others, but owns nothing: what it has goes to the others,
// and when all have told that they are done it may go.
//
// Nothing that a node brought is changed or given up before the end, so that a generation that ends
// before it has begun costs nothing: the next one is made from the same. Messages are at most
// kChunkBytes and kWindowBytes of them on their way to each node.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "hemiola/core/machine.h"
#include "hemiola/table/generation.h"
#include "hemiola/table/salvage.h"
#include "hemiola/table/table_set.h"

namespace hemiola {

class Restore {
 public:
  Restore(TableSet& tables, Streams& streams, TableRestore from);

  // The links to all nodes work.
  void begin(Outbox& out);
  // False: the message cannot be read.
  bool take(const Envelope& envelope, Outbox& out);
  // After each message: goes on as far as it can.
  void go_on(Outbox& out);

  bool done() const { return done_; }
  // Once done: this generation's number, and the rows of this node that are not initial ones.
  uint32_t number() const { return number_; }
  template <class F>
  void each_taken(F&& f) const {
    for (uint32_t t = 0; t < best_.size(); ++t) {
      for (uint32_t k = 0; k < best_[t].size(); ++k) {
        if (best_[t][k] != 0) f(TableId{t}, Key{k});
      }
    }
  }
  const std::vector<uint64_t>& lost() const { return lost_; }
  const RowsRecovered& recovered() const { return recovered_; }
  void forget();
  // What it was made from, for the generation after this one.
  TableSalvage give_back() { return std::move(from_.salvage); }

 private:
  static constexpr size_t kChunkBytes = size_t{1} << 20;
  static constexpr size_t kWindowBytes = size_t{4} << 20;
  static constexpr uint32_t kKeysAtOnce = 4096;

  enum class Stage : uint8_t { before, meeting, offering, waiting, adding, ending };

  struct Peer {
    bool met = false;
    SurvivorBody survivor;
    bool offered = false;
    std::optional<NodeId> then;      // its rank then
    std::vector<uint32_t> received;  // by rank then
    bool all_offered = false;
    bool added = false;
  };
  // A message with updates that may have to be added once more.
  struct Resent {
    TableId table;
    Bytes body;
    uint32_t batch = 0;
    bool moving = false;
  };

  // Rows of a table that nobody had.
  struct Lost {
    std::vector<bool> homes;  // by rank then
    uint64_t taken = 0;       // from the source
    uint64_t initial = 0;
  };

  template <class F>
  bool all(F&& f) const {
    return std::all_of(peers_.begin(), peers_.end(), f);
  }
  NodeId self() const { return tables_.place().self; }
  NodeId home(TableId table, Key key) const { return tables_.rows(table).partition().owner(key); }
  float* row_of(TableId table, Key key) const;
  template <class Head>
  void tell_all(Kind kind, const Head& head, Outbox& out);

  void choose();
  bool full() const;

  // Offers: own rows, given ones, backups; table by table.
  bool offer_some(Outbox& out);
  bool next_slice(uint32_t& slice_begin, uint32_t& slice_end);
  void offer_own(TableId table, uint32_t begin, uint32_t end, Outbox& out);
  void offer_given(TableId table, Outbox& out);
  void offer_backups(TableId table, uint32_t begin, uint32_t end, Outbox& out);
  void offer(TableId table, RowVersion head, std::span<const UnitRecord> units, const float* row,
             Outbox& out);
  void tell_offered(Outbox& out);
  bool on_offer(Reader& reader);
  bool on_offered(Peer& peer, Reader& reader);
  void consider(TableId table, const RowVersion& head, const std::byte* units, const float* row);
  void fill_lost(Outbox& out);
  bool fill_from_source(TableId table, Key key);
  void say_lost(TableId table, const Lost& lost, Outbox& out) const;

  // What is to be added.
  void plan_adding();
  bool add_some(Outbox& out);
  void resend(const Resent& resent, Outbox& out);
  void send_unsent(Outbox& out);
  void send_differences(TableId table, uint32_t view, uint32_t begin, uint32_t end, Outbox& out);
  void send_add(TableId table, const AddRecord& head, const float* delta, Outbox& out);
  bool on_add(Reader& reader);
  void add(TableId table, const AddRecord& head, const float* delta);

  Writer& writer_for(TableId table, NodeId to);
  void flush(NodeId to, Kind kind, Outbox& out);
  void flush_all(Kind kind, Outbox& out);

  TableSet& tables_;
  Streams& streams_;
  TableRestore from_;
  TableGeneration* old_ = nullptr;  // the one to go on from, or nullptr: this node has none of it
  uint32_t number_ = 0;
  Stage stage_ = Stage::before;
  std::vector<Peer> peers_;  // by rank; of this node itself what it has told
  std::vector<Writer> writers_;
  TableId written_;  // the table of what is in them

  // Where offering and adding are.
  uint32_t table_ = 0, view_ = 0, key_ = 0, part_ = 0;
  std::vector<Resent> resent_;
  size_t next_resent_ = 0;
  bool unsent_sent_ = false;

  // As a new owner. by table and key: the best offer so far, see score_of; 0: none
  std::vector<Arena<uint64_t>> best_;
  std::unordered_map<uint64_t, std::vector<Unit>> units_;  // by table and key: what is in the row
  std::vector<bool> vouched_;                              // by rank then
  uint32_t old_nodes_ = 0;
  std::vector<uint64_t> lost_;
  RowsRecovered recovered_;
  std::optional<std::string> source_;  // once opened: what it is
  std::vector<float> scratch_;
  bool done_ = false;
};

}  // namespace hemiola

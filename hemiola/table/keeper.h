// A node as keeper of rows that may move: as their owner, as holder of copies, and as the home
// that knows where they went. For tables whose placement adapts (table/placement.h).
//
// Invariants:
// - A row has one owner. Who gives it away remembers where to, and sends on what comes for it; so
//   whoever follows what each node last knew finds the row, behind the message that brings it.
// - A row is given away only while no third node keeps a copy. So the owner of a kept copy cannot
//   change, and the owner's rounds say how complete it is.
// - The old owner's row becomes a copy whose base is what was given: what its workers still add
//   to it is sent on as their update. Nobody waits for them, nothing is lost.
// - The new owner adds to what came its own updates that the old one had not seen; the old owner
//   drops just those: what comes from the new owner between the give and the `taken`.
// - The answer to an ask may come from a node that an update which we sent since has not reached.
//   So while a row is asked for nothing that was added to it here is sent, and a row is not asked
//   for while updates of ours are on their way without a copy here. An ask waits for no clock that
//   not everybody has reached, so what waits for the row holds nobody up that the row waits for.
// - A copy that its owner keeps fresh ends with a `leave` to him, never by turning into another.
// - An update counts as settled when it is in the row, wherever that is; a clock's mark waits for
//   it.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "hemiola/table/backups.h"
#include "hemiola/table/calls.h"
#include "hemiola/table/generation.h"
#include "hemiola/table/heat.h"
#include "hemiola/table/intents.h"
#include "hemiola/table/keeper_messages.h"
#include "hemiola/table/row_packer.h"

namespace hemiola {

class Keeper {
 public:
  static constexpr uint64_t kPaceTimer = 1;  // tag of the timers that it sets

  // initial: all rows have their initial values, which everyone knows.
  Keeper(TableSet& tables, Backups& backups, bool initial);

  // Workers run: asks for the rows that are held by all, unless they were initial.
  void begin(Instant now, Outbox& out);
  void intend(WorkerId worker, Clock clock, std::vector<Intent>& intents, Instant now, Outbox& out);
  // Completes the call once all rows are here.
  void fetch(FetchCall& call, Instant now, Outbox& out);
  void push(PushCall& call, Outbox& out);
  void flush(DirtyKeys& dirty, Outbox& out);
  void ticked(TickCall& call, Instant now, Outbox& out);
  void at_barrier(WorkerId worker, Outbox& out);
  void barrier_passed();

  void on_message(const Envelope& envelope, Instant now, Outbox& out);

  // As Owner: rows here are complete through `complete`; a peer's clock went on.
  void advance(Clock complete, Outbox& out);
  void peer_ticked(NodeId peer, Instant now, Outbox& out);
  void on_timer(Instant now, Outbox& out);
  void link_again(NodeId peer, Outbox& out) { streams_.link_again(peer, out); }

  // Number of the last batch of updates that was made here; are all through that one in?
  uint32_t batches() const { return first_open_ + static_cast<uint32_t>(open_.size()) - 1; }
  bool settled(uint32_t batch) const { return static_cast<int32_t>(batch - first_open_) < 0; }

  // keeper_survival.cc
  // So many rows of own batches are in their rows and in the backups of those.
  bool safe(std::span<const SafeRecord> records);
  // Rows that were given away are safe where they are.
  bool safe_gifts(TableId table, std::span<const GoneRecord> gifts);
  size_t journal_bytes() const { return journal_.bytes(); }
  size_t gifts() const { return gifts_.size(); }
  // Number of the last gift; are all through that one safe where they are?
  uint64_t last_gift() const { return last_gift_; }
  bool gifts_safe(uint64_t through) const {
    return gift_numbers_.empty() || *gift_numbers_.begin() > through;
  }
  uint32_t moves_of(TableId table, Key key) const { return books_[table.value].moves[key.value]; }
  void salvage(TableGeneration& into);

  std::optional<NodeId> backlog() const;
  std::optional<NodeId> fetch_waits_for(const FetchCall& call) const;

 private:
  static constexpr size_t kChunkBytes = size_t{1} << 20;
  static constexpr size_t kBacklogBytes = size_t{64} << 20;
  static constexpr uint32_t kRoundsOpen = 2;

  // An ask for the row is under way (or held): for now, or because it is wanted.
  static constexpr uint8_t kAsked = 1, kAskedWant = 2;
  static constexpr uint8_t kHot = 4;

  // The changes by others until the interest in a row has gone (TableOptions::lingers).
  static constexpr uint8_t kInterestUnit = 8, kInterest = 7 * kInterestUnit;

  // How often more a row that was shared is not given away (TableOptions::clings).
  static constexpr uint8_t kClingUnit = 64, kClings = 3 * kClingUnit;

  struct Held {  // an ask that waits until updates of the row are in
    bool for_now = false;
    bool want = false;
    Clock needed;
  };
  // Updates that wait for the row to come: they are in the copy that is here, or in `delta`.
  struct Early {
    std::vector<uint32_t> batches;
    std::vector<float> delta;
  };

  // What is known of a table's keys: 7 bytes per key, and 16 per owned row that others keep.
  struct Book {
    Rows* rows = nullptr;   // nullptr: not a table of ours
    Arena<uint16_t> where;  // node + 1 that was last known to own it; 0: its home
    Arena<uint32_t> moves;  // how often it had moved by then
    Arena<uint8_t> flags;
    size_t words = 0;                         // of 64 nodes, per slot of the next two
    Arena<uint64_t> keepers;                  // by slot: who keeps a copy of an owned row
    Arena<uint64_t> pending;                  // of them, who is to be sent its change
    std::vector<std::vector<Key>> passing;    // by local worker: asked for, for this clock
    std::vector<Key> unwanted;                // kept copies that came too late
    std::unordered_map<Key, uint32_t> loose;  // updates on their way, and no copy is kept
    std::unordered_map<Key, Held> held;
    std::unordered_map<Key, Early> early;
    std::optional<Heat> heat;
    double clip_mean = 0;  // of the norms of updates to kept copies
    uint32_t clip_seen = 0;
  };

  struct Peer {
    // Rows given to it of which it has not said `taken`, and how often.
    std::unordered_map<uint64_t, uint32_t> windows;
    std::vector<std::vector<Key>> pending;  // by table: rows to renew
    std::deque<uint32_t> rounds;            // numbers of the rounds that it may not have yet
    bool owes = false;
    Instant next_round;
    bool timer_set = false;
  };

  struct Parked {  // an ask for rows that are not complete enough yet
    AskHead head;
    std::vector<Key> keys;
  };
  struct Waiting {
    FetchCall* call = nullptr;
    std::vector<Key> keys;  // that are not here
  };
  struct Leaving {
    TableId table;
    std::vector<std::pair<Key, uint32_t>> keys;  // with the number of their unlinking
    uint64_t unlinking = 0;                      // TableSet::unlinkings then
  };
  struct Open {  // a batch of updates
    uint32_t left = 0;
    TableId table;
    std::vector<Key> loose;
    std::vector<uint32_t> instead;  // batches whose row it carries
    bool later = false;             // its rows wait here
  };

  // Rows for one asker, as they are collected.
  struct Giving {
    Giving(TableId t, NodeId n) : table(t), to(n) {}
    TableId table;
    NodeId to;
    Writer writer{0};
    std::vector<Key> gone;        // given away since the last message
    std::vector<size_t> gone_at;  // where each begins in it
  };

  // Updates of rows of one table to all nodes, as they are collected.
  class Batch {
   public:
    // whole: floats; else in the table's coding, and what that leaves out stays in the copies.
    Batch(Keeper& keeper, TableId table, bool whole);
    // REQUIRES: whole.
    void add(Key key, const float* delta, NodeId to, bool loose, Outbox& out);
    void add_delta(Key key, uint32_t slot, NodeId to, bool loose, Outbox& out);
    size_t send(Outbox& out);
    std::optional<uint32_t> number() const { return number_; }  // nullopt: nothing was added

   private:
    Open& open() { return keeper_.open_[*number_ - keeper_.first_open_]; }
    std::byte* record(Key key, NodeId to, bool loose);
    bool take_change(uint32_t slot, bool loose, std::byte* to);
    void done(NodeId to, Outbox& out);
    void send_to(NodeId to, Outbox& out);

    Keeper& keeper_;
    TableId table_;
    Book& book_;
    const bool packed_;
    const RowForm& form_;
    std::vector<Writer> writers_;  // by node
    std::optional<uint32_t> number_;
    size_t before_ = 0;
    size_t sent_bytes_ = 0;
  };

  Book* book(TableId table) {
    return table.value < books_.size() && books_[table.value].rows ? &books_[table.value] : nullptr;
  }
  void set_up(TableId table, bool initial);
  void hold_all(TableId table, Book& book, bool initial);
  NodeId where(const Book& book, Key key) const;
  void learn(Book& book, Key key, NodeId owner, uint32_t moves);
  uint64_t* keepers(Book& book, uint32_t slot) { return &book.keepers[slot * book.words]; }
  bool kept_by_others(const Book& book, uint32_t slot, NodeId but) const;
  std::optional<NodeId> only_keeper(const Book& book, uint32_t slot) const;
  uint32_t local(WorkerId worker) const { return worker.value - place_.first_worker().value; }
  bool valid(const Book& book, std::span<const Key> keys) const;
  void act_on(const Intents::Change& change, Outbox& out);
  bool of_interest(const Book& book, TableId table, Key key) const {
    return intents_.wanted(table, key) || (book.flags[key.value] & kInterest) != 0;
  }
  void take_interest(Book& book, std::span<const Key> keys);
  void lose_interest(Book& book, Key key);
  void drop_unwanted(TableId table, std::span<const Key> keys, Outbox& out);
  void leave_passing(TableId table, WorkerId worker);
  void clear_up(WorkerId worker, Outbox& out);

  // Takes a message in; false: it could not be read, or only in part.
  bool take(const Envelope& envelope, Outbox& out);
  bool on_round(NodeId from, Reader& reader, Outbox& out);

  // Hot rows.
  void tell_heat(TableId table, Outbox& out);
  bool on_heat(Reader& reader);
  bool on_hot(Reader& reader, Outbox& out);
  void apply_heat(TableId table, const Heat::Verdict& verdict, Outbox& out);

  // keeper_ask.cc
  bool is_there(const Rows& rows, Key key, Clock needed) const;
  bool has_come(Book& book, Key key, Clock needed);
  bool take_back(Book& book, Key key);
  void want(TableId table, std::span<const Key> keys, Outbox& out);
  void ask(TableId table, std::span<const Key> keys, bool want, Clock needed, Outbox& out);
  void send_asks(const AskHead& head, const std::vector<std::vector<Key>>& by_node, Outbox& out);
  void recheck(Outbox& out);
  void asked_no_more(TableId table, Key key, uint8_t what, Outbox& out);
  void ask_what_was_held(TableId table, Key key, Outbox& out);
  bool on_ask(Reader& reader, Outbox& out);
  GiveKind decide(Book& book, TableId table, Key key, uint32_t slot, NodeId asker, bool want) const;
  static bool cling(Book& book, Key key);
  void answer(const AskHead& head, std::span<const Key> keys, Outbox& out);

  // keeper_move.cc
  static uint64_t window(TableId table, Key key) { return uint64_t{table.value} << 32 | key.value; }
  // What is given away must be all there; what is read need not.
  static const RowForm& form_of(const Book& book, GiveKind kind) {
    return kind == GiveKind::owned ? book.rows->update_form(false) : book.rows->read_form();
  }
  void put_row(Giving& giving, Key key, uint32_t slot, GiveKind kind, Outbox& out);
  void send_rows(Giving& giving, Outbox& out);
  void tell_homes(const Book& book, const Giving& giving, Outbox& out);
  void give_away(TableId table, std::span<const std::pair<NodeId, Key>> rows, Outbox& out);
  bool on_located(Reader& reader);
  bool on_give(NodeId from, Reader& reader, Outbox& out);
  bool may_be(const Book& book, const GiveRecord& record) const;
  bool better_is_here(Book& book, Key key, uint32_t moves);
  void take_in(Book& book, const GiveHead& head, const GiveRecord& record, const float* row,
               NodeId from, Outbox& out);
  void install(Book& book, const GiveHead& head, const GiveRecord& record, const float* row,
               NodeId from);
  void take_units(const GiveHead& head, const GiveRecord& record, std::vector<UnitRecord> units,
                  NodeId from);
  const float* with_unseen(TableId table, Key key, const float* fresh, NodeId from, bool all);
  void index_message(Streams::Sent& message);
  bool on_taken(NodeId from, Reader& reader);
  void remember(const Giving& giving);
  void forget_gift(TableId table, Key key);
  void add_to_gift(NodeId taker, const ChangeHead& head, Key key, const float* delta);
  bool on_leave(NodeId from, Reader& reader, Outbox& out);
  void leave(TableId table, std::span<const Key> keys);
  void pass(WorkerId worker, uint64_t unlinkings, Outbox& out);
  void release(Leaving leaving, Outbox& out);

  // keeper_change.cc
  static bool comes(const Book& book, Key key) {
    return (book.flags[key.value] & (kAsked | kAskedWant)) != 0;
  }
  void send_later(TableId table, Key key, std::span<const float> delta);
  void flush_row(Batch& batch, TableId table, Key key, Outbox& out);
  void push_row(Batch& batch, TableId table, Key key, Outbox& out);
  void show_early(Book& book, Key key);
  void add_early(TableId table, Key key, Outbox& out);
  void add_to_row(const Book& book, uint32_t slot, const float* delta);
  bool on_change(NodeId from, Reader& reader, Outbox& out);
  void send_onward(const ChangeHead& head, std::vector<Writer>& onward, Outbox& out);
  bool on_settled(Reader& reader, Outbox& out);
  bool settle_as_told(uint32_t batch, uint32_t rows, Outbox& out);
  void settle(uint32_t batch, uint32_t rows, Outbox& out);
  void clip(Book& book, uint32_t slot, float* delta) const;
  void changed(TableId table, Book& book, Key key, uint32_t slot, NodeId by);
  void renew(NodeId to, Outbox& out);
  void send_round(NodeId to, Outbox& out);
  bool on_renew(NodeId from, Reader& reader);

  TableSet& tables_;
  Backups& backups_;
  const Place place_;
  Streams streams_;
  Journal journal_;                           // own batches that are not settled, or not safe
  std::unordered_map<uint64_t, Gift> gifts_;  // by window(): until they are safe elsewhere
  std::set<uint64_t> gift_numbers_;           // theirs
  uint64_t last_gift_ = 0;
  Intents intents_;
  std::vector<Book> books_;  // by table
  std::vector<Peer> peers_;
  Duration pace_ = seconds(1e9);  // of rounds
  std::vector<Parked> parked_;
  std::vector<Waiting> waiting_;
  std::deque<Leaving> leaving_;    // in the order of their unlinkings
  std::vector<Leaving> asked_;     // nobody can find them any more, but they are asked for
  std::vector<uint64_t> passed_;   // by local worker: what was unlinked by then it cannot find
  std::vector<bool> at_barrier_;   // by local worker: it can find nothing
  std::deque<Open> open_;          // batches that are not settled
  uint32_t first_open_ = 1;        // number of the first of them
  std::optional<uint32_t> later_;  // number of the batch for what this call cannot send
  Clock complete_;
  std::vector<float> scratch_, delta_, change_;
  RowPacker packer_;
  std::vector<UnitRecord> unseen_;  // what with_unseen has added
  // The question whose answer is timed now.
  std::optional<Key> timed_;
  TableId timed_table_;
  Instant timed_since_;
  Instant now_;
};

}  // namespace hemiola

// The bodies of the table machine's messages. Rows stand behind their keys, as floats or in the
// coding of their table (table/row_coding.h).
//
//   pull        holder -> owner   send me these rows, complete through `needed`
//   rows        owner -> holder   the answer: the rows in the order asked for
//   update      holder -> owner   add these; numbered without gaps on each pair of nodes
//   mark        all -> all        all my updates of clocks below `clock` are before this
//   refresh     owner -> holder   rows that changed and of which you hold a copy
//   applied     both ways         owner: your batches through `batch` are in and I am complete
//                                 through `complete`; holder: I have taken in refresh `round`
//   unsubscribe holder -> owner   I dropped these copies
#pragma once

#include <optional>
#include <vector>

#include "hemiola/core/wire.h"
#include "hemiola/table/row_coding.h"

namespace hemiola {

// Rows in a received message: records of a key and a row in its form, one after the other. Points
// into the message's body.
class RowRecords {
 public:
  // What is left in `reader`, which must be whole records; else nullopt.
  static std::optional<RowRecords> read(Reader& reader, const RowForm& form);

  // What one record takes in a message.
  static size_t size_of(const RowForm& form) { return sizeof(Key) + form.bytes(); }

  size_t count() const { return count_; }
  Key key(size_t i) const;
  // The row's floats, until the next call. REQUIRES: bodies start at multiples of 4 bytes.
  const float* row(size_t i);
  const std::byte* encoded(size_t i) const { return records_ + i * record_ + sizeof(Key); }

 private:
  explicit RowRecords(const RowForm& form) : form_(form), record_(size_of(form)) {}

  RowForm form_;
  const std::byte* records_ = nullptr;
  size_t record_ = 0;
  size_t count_ = 0;
  std::vector<float> decoded_;
};

struct PullBody {
  uint32_t request = 0;
  TableId table;
  Clock needed;
  bool subscribe = false;
  std::vector<Key> keys;

  Bytes encode() const;
  static std::optional<PullBody> decode(const Bytes& body);
};

struct RowsHead {
  uint32_t request = 0;
  Clock complete;
  BatchSeq applied;
};

struct UpdateHead {
  BatchSeq batch;
  TableId table;
  WorkerId worker;  // whose, under strict BSP; else the first of the sending node
  Clock clock;      // of the updates, under strict BSP
  uint32_t packed = 0;  // 1: rows are in the table's coding; 0: floats
};

// State of the sender's clock, whole in each mark so that a later one replaces an earlier one.
// generation: barriers that it has passed; start: the clock at which it came out of the last.
// clock kClockNever: it waits at the next barrier, where its highest clock was `last`.
struct MarkBody {
  uint32_t generation = 0;
  Clock start;
  Clock clock;
  Clock last;
};

// A mark on its way: it holds once the receiver has the sender's batches through `batches`. One
// that overtook them after a lost link is ignored; it comes again behind them.
struct MarkMessage {
  MarkBody mark;
  BatchSeq batches;
};

struct RefreshHead {
  TableId table;
  BatchSeq applied;
};

struct AppliedBody {
  BatchSeq batch;
  Clock complete;
  uint32_t round = 0;     // of the refreshes that this message closes; 0: none
  uint32_t after = 0;     // it has all changes since this round; counts only if that was taken in
  uint32_t received = 0;  // the last round of the other side that was taken in
};

// Fixed heads are encoded as they stand.
template <Packed Head>
Bytes encode_head(const Head& head) {
  Writer writer(sizeof(Head));
  writer.put(head);
  return std::move(writer).take();
}

}  // namespace hemiola

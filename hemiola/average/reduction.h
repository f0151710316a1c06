// The exact mean over all nodes of one vector each, the same bits on every node.
//
// Each node owns a block of the vector: it gets everybody's part of it, adds them up in order of
// nodes, and sends the mean of the block to all. So each node sends 2 (n - 1) / n of the vector,
// whatever n, in two hops; a short vector is sent to everybody as a whole, in one. Blocks are cut
// into pieces that travel on their own, so that adding up and sending go on at the same time. Of
// the pieces of each owner only kAheadBytes are under way at a time: the mean of one brings the
// part of another on its way, so that what is under way stays in the caches, however long the
// vector. Whoever begins a round sends something to every other node, also because it must hear of
// the round when all its workers rest (wanted()).
//
// With a codec, parts and means of pieces are encoded, twice on the way from node to node however
// many nodes there are; the owner too takes what it sent as the mean, so that all stay equal. What
// a biased codec leaves out is sent with the next round's (error feedback). Short vectors are sent
// as they are.
//
// When a link was lost and works again, each side sends again what the other may lack: its part of
// the round under way, and the last means of its own pieces. Those it keeps until what they bring
// on its way has come from everybody: the part of a later piece, or of the next round. A message
// that comes twice changes nothing.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "hemiola/average/error_feedback.h"
#include "hemiola/average/messages.h"
#include "hemiola/core/byte_pool.h"
#include "hemiola/core/machine.h"
#include "hemiola/core/place.h"

namespace hemiola {

class Reduction {
 public:
  static constexpr size_t kPiece = 32 << 10;        // floats
  static constexpr size_t kAheadBytes = 256 << 10;  // and at least one piece
  // A vector is short when a node sends at most so many floats of it to all others together; one
  // that a codec could shorten, when it has itself not more than the second.
  static constexpr size_t kShort = 24 << 10;
  static constexpr size_t kShortEncoded = 2 << 10;

  // `lane` tells a node's reductions apart. `codec` outlives this; nullptr: floats as they are.
  Reduction(const Place& place, uint32_t lane, size_t floats, const Codec* codec = nullptr,
            uint64_t seed = 0);

  // This node's part of the next round: values that count `weight` times in the mean; with weight
  // 0 they count nothing. They stay untouched by the caller until the round is over; then the mean
  // stands in their place. Returns true when it is over at once.
  bool begin(std::span<float> values, double weight, Outbox& out);
  bool busy() const { return busy_; }

  // Others have begun the round that this node has not begun.
  bool wanted() const { return !busy_ && rounds_.contains(round_); }

  // For messages part and total of this lane. Returns true when the round that this node has begun
  // is over by it. Throws std::runtime_error for a message that cannot be.
  bool on_message(const Envelope& message, Outbox& out);

  // The link to the peer was lost, and works again.
  void up_again(NodeId peer, Outbox& out);

  // Between two rounds: their number, and what codecs remember; as Strategy::state.
  void state(StateFields& fields);

  // No round follows. Adds to `sum`, which is laid out like values, what a biased codec has left
  // out of this node's parts, and of means as much as all parts together lack; of a round under way
  // nothing has been sent. False: there is none.
  bool take_back(std::span<float> sum);

  uint32_t round() const { return round_; }  // the next one to begin, or under way
  double weight() const { return weight_; }  // of all parts of the last round that was over
  std::optional<NodeId> waits_for() const;   // of those whose part or block is missing, the first

 private:
  static constexpr size_t kPoolFrom = 4 << 10;   // bytes of a body
  static constexpr size_t kKeepBytes = 8 << 20;  // of bodies, to be used again

  struct Piece {
    uint32_t owner = 0;
    size_t from = 0, count = 0;
    std::optional<ErrorFeedback> left_out;  // by this node, of a codec that is biased
    CodecMemory memory;                     // of one that is not
  };
  // Parts of the pieces that this node adds up.
  struct Gathered {
    std::vector<Bytes> parts;  // by node
    uint32_t present = 0;
  };
  using Round = std::map<uint32_t, Gathered>;  // by piece
  // Pieces of one owner stand one after the other.
  struct Block {
    uint32_t first = 0, end = 0;
    uint32_t next = 0;  // the first whose part was not sent
  };

  bool adds_up(const Piece& piece) const { return is_short_ || piece.owner == place_.self.value; }
  MutableBytes body_for(size_t bytes);
  Bytes packed(const PieceHead& head, std::span<const float> floats);
  bool fits(const Piece& piece, const Bytes& body, double weight) const;
  void send_parts(Outbox& out);
  void send_next_part(NodeId to, Outbox& out);
  bool take_total(const Envelope& message, const PieceHead& head, Outbox& out);
  void take(const Bytes& body, bool first, std::span<float> sum) const;
  Bytes mean(const PieceHead& head, const Gathered& gathered, double own_weight);
  Bytes encoded_mean(const PieceHead& head, const Gathered& gathered, double own_weight);
  bool add_up(uint32_t piece, Gathered& gathered, Outbox& out);
  bool end_piece();

  const Place place_;
  const uint32_t lane_;
  const bool is_short_;
  const size_t ahead_;  // pieces
  const Codec* const codec_;
  const uint64_t seed_;
  std::vector<Piece> pieces_;
  std::vector<Block> blocks_;  // by owner
  BytePool pool_;
  std::vector<float> sum_;            // of a piece, before it is encoded
  std::map<uint32_t, Round> rounds_;  // that somebody has begun
  uint32_t round_ = 0;
  bool busy_ = false;
  std::span<float> values_;
  double own_weight_ = 0;
  double weight_ = 0;
  std::vector<bool> ended_;  // by piece
  // To be sent again. By piece: parts of this round that are encoded, which cannot be done twice;
  // and means of own pieces, all of one round. Of a short vector: the parts of two rounds.
  std::vector<Bytes> encoded_parts_, totals_;
  uint32_t totals_round_ = 0;
  std::array<Bytes, 2> short_parts_;  // by the lowest bit of the round
  size_t open_ = 0;                   // pieces of which the mean is not here yet
};

}  // namespace hemiola

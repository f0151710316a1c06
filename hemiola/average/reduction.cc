#include "hemiola/average/reduction.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

constexpr size_t kLine = 16;  // floats in a cache line

const float* floats_of(const Bytes& body) {
  return reinterpret_cast<const float*>(body.data() + sizeof(PieceHead));
}

std::span<const std::byte> message_in(const Bytes& body) {
  return body.span().subspan(sizeof(PieceHead));
}

double weight_of(const Bytes& body) {
  PieceHead head;
  std::memcpy(&head, body.data(), sizeof head);
  return head.weight;
}

// mean = also = (a + b + c + ...) * by, added up in this order. `also` may be one of the parts.
void write_mean(std::span<const float* const> parts, float by, float* mean, float* also, size_t n) {
  if (parts.size() == 1) {
    for (size_t i = 0; i < n; ++i) mean[i] = parts[0][i] * by;
    if (also != parts[0] || by != 1) vec().copy(also, mean, n);
    return;
  }
  // Of more than two, a chunk at a time, so that what was added up so far is still in the cache.
  constexpr size_t kChunk = 1024;
  float sum[kChunk];
  const VecKernels& kernels = vec();
  for (size_t at = 0; at < n; at += kChunk) {
    const size_t count = std::min(kChunk, n - at);
    const float* so_far = parts[0] + at;
    if (parts.size() > 2) {
      kernels.copy(sum, so_far, count);
      for (size_t p = 1; p + 1 < parts.size(); ++p) kernels.add(sum, parts[p] + at, count);
      so_far = sum;
    }
    kernels.add_and_scale(mean + at, also + at, so_far, parts.back() + at, by, count);
  }
}

}  // namespace

Reduction::Reduction(const Place& place, uint32_t lane, size_t floats, const Codec* codec,
                     uint64_t seed)
    : place_(place),
      lane_(lane),
      is_short_(
          floats < place.nodes ||
          (codec ? floats <= kShortEncoded : floats * (std::max(place.nodes, 2u) - 1) <= kShort)),
      ahead_(std::max<size_t>(
          1, kAheadBytes / (codec ? codec->bytes_for(kPiece) : kPiece * sizeof(float)))),
      codec_(is_short_ ? nullptr : codec),
      seed_(mix(seed, lane, place.self.value)),
      blocks_(place.nodes),
      pool_(kKeepBytes) {
  const auto add = [&](uint32_t owner, size_t from, size_t count) {
    Piece& piece = pieces_.emplace_back(Piece{owner, from, count, {}, {}});
    if (codec_ && codec_->biased()) piece.left_out.emplace(*codec_);
  };
  if (is_short_) {
    add(0, 0, floats);
    for (Block& block : blocks_) block.end = 1;
  } else {
    // Nobody's block is empty: who owns none would not hear of a round.
    const size_t align = floats / place.nodes >= kLine ? kLine : 1;
    const auto begin_of = [&](size_t owner) {
      return owner == place.nodes ? floats : owner * floats / place.nodes / align * align;
    };
    for (uint32_t owner = 0; owner < place.nodes; ++owner) {
      blocks_[owner].first = static_cast<uint32_t>(pieces_.size());
      const size_t end = begin_of(owner + 1);
      for (size_t at = begin_of(owner); at < end; at += kPiece) {
        add(owner, at, std::min(kPiece, end - at));
      }
      blocks_[owner].end = static_cast<uint32_t>(pieces_.size());
    }
  }
  ended_.resize(pieces_.size());
  totals_.resize(pieces_.size());
  if (codec_) encoded_parts_.resize(pieces_.size());
}

bool Reduction::begin(std::span<float> values, double weight, Outbox& out) {
  HEMIOLA_CHECK(!busy_);
  busy_ = true;
  values_ = values;
  own_weight_ = weight;
  open_ = pieces_.size();
  std::fill(ended_.begin(), ended_.end(), false);
  send_parts(out);
  Round& round = rounds_[round_];
  bool over = false;
  for (uint32_t p = 0; p < pieces_.size(); ++p) {
    if (!adds_up(pieces_[p])) continue;
    Gathered& gathered = round[p];
    gathered.parts.resize(place_.nodes);
    if (++gathered.present == place_.nodes) over = add_up(p, gathered, out);
  }
  return over;
}

// A message of the floats, encoded where there is a codec. What is drawn for it depends on its
// place alone, not on when it is made.
Bytes Reduction::packed(const PieceHead& head, std::span<const float> floats) {
  const size_t room = codec_ ? codec_->bytes_for(floats.size()) : floats.size_bytes();
  MutableBytes body = body_for(sizeof head + (floats.empty() ? 0 : room));
  std::memcpy(body.data(), &head, sizeof head);
  if (floats.empty()) return std::move(body).freeze();
  const std::span<std::byte> behind = body.span().subspan(sizeof head);
  size_t used = room;
  if (codec_) {
    Piece& piece = pieces_[head.piece];
    Random random(mix(seed_, head.round, head.piece));
    used = piece.left_out ? piece.left_out->encode(floats, random, behind)
                          : codec_->encode(floats, piece.memory, random, behind);
  } else {
    std::memcpy(behind.data(), floats.data(), room);
  }
  return std::move(body).freeze(sizeof head + used);
}

MutableBytes Reduction::body_for(size_t bytes) {
  return bytes < kPoolFrom ? MutableBytes(bytes) : pool_.get(bytes);
}

void Reduction::send_parts(Outbox& out) {
  // Each node begins with the one after it, so that not all send to node 0 first.
  for (uint32_t step = 1; step < place_.nodes; ++step) {
    const NodeId to{(place_.self.value + step) % place_.nodes};
    Block& block = blocks_[to.value];
    block.next = block.first;
    for (size_t i = 0; i < ahead_; ++i) send_next_part(to, out);
  }
}

void Reduction::send_next_part(NodeId to, Outbox& out) {
  Block& block = blocks_[to.value];
  if (block.next == block.end) return;
  const uint32_t p = block.next++;
  const size_t count = own_weight_ == 0 ? 0 : pieces_[p].count;
  const PieceHead head{lane_, round_, p, 0, own_weight_};
  Bytes part = packed(head, {&values_[pieces_[p].from], count});
  if (codec_) encoded_parts_[p] = part;
  if (is_short_) short_parts_[round_ % 2] = part;
  out.send(to, Kind::part, std::move(part));
}

// Values whose mean has not come stand as they were sent.
void Reduction::up_again(NodeId peer, Outbox& out) {
  if (is_short_) {
    for (uint32_t r = round_ > 0 ? round_ - 1 : 0; r < round_ + busy_; ++r) {
      if (!short_parts_[r % 2].empty()) out.send(peer, Kind::part, short_parts_[r % 2]);
    }
    return;
  }
  for (const Bytes& total : totals_) {
    if (!total.empty()) out.send(peer, Kind::total, total);
  }
  const Block& block = blocks_[peer.value];
  for (uint32_t p = block.first; p < block.next && busy_; ++p) {
    if (ended_[p]) continue;
    const size_t count = own_weight_ == 0 ? 0 : pieces_[p].count;
    const PieceHead head{lane_, round_, p, 0, own_weight_};
    out.send(peer, Kind::part,
             codec_ ? encoded_parts_[p] : packed(head, {&values_[pieces_[p].from], count}));
  }
}

// Whether a body can be of the piece. What is encoded is checked when it is decoded.
bool Reduction::fits(const Piece& piece, const Bytes& body, double weight) const {
  if (!std::isfinite(weight) || weight < 0) return false;
  const size_t size = message_in(body).size();
  if (weight == 0) return size == 0;
  return codec_ ? size <= codec_->bytes_for(piece.count) : size == piece.count * sizeof(float);
}

bool Reduction::on_message(const Envelope& message, Outbox& out) {
  Reader reader(message.body);
  const auto head = reader.get<PieceHead>();
  if (!reader.ok() || head.piece >= pieces_.size() || message.from.value >= place_.nodes) {
    throw std::runtime_error("a piece of a mean that there is not");
  }
  const Piece& piece = pieces_[head.piece];
  if (!fits(piece, message.body, head.weight)) {
    throw std::runtime_error("a piece of a mean that does not fit");
  }
  if (message.kind == Kind::total) return take_total(message, head, out);
  if (!adds_up(piece) || head.round > round_ + 1) {
    throw std::runtime_error("a part of a mean that nobody waits for");
  }
  if (head.round < round_ || (busy_ && head.round == round_ && ended_[head.piece])) return false;
  Gathered& gathered = rounds_[head.round][head.piece];
  gathered.parts.resize(place_.nodes);
  Bytes& part = gathered.parts[message.from.value];
  if (!part.empty()) return false;
  part = message.body;
  return ++gathered.present == place_.nodes && add_up(head.piece, gathered, out);
}

bool Reduction::take_total(const Envelope& message, const PieceHead& head, Outbox& out) {
  const Piece& piece = pieces_[head.piece];
  const bool is_owner = !is_short_ && piece.owner == message.from.value;
  if (!is_owner || head.weight == 0 || head.round > round_ || (head.round == round_ && !busy_)) {
    throw std::runtime_error("a mean that nobody waits for");
  }
  if (head.round < round_ || ended_[head.piece]) return false;
  take(message.body, true, values_.subspan(piece.from, piece.count));
  ended_[head.piece] = true;
  weight_ = head.weight;
  send_next_part(message.from, out);
  return end_piece();
}

// Puts what a body holds into `sum`, or adds it.
void Reduction::take(const Bytes& body, bool first, std::span<float> sum) const {
  if (codec_) {
    const auto message = message_in(body);
    const Refusal refusal =
        first ? codec_->decode(message, sum) : codec_->decode_add(message, 1, sum);
    if (!refusal.empty()) throw std::runtime_error(std::string(refusal));
    return;
  }
  (first ? vec().copy : vec().add)(sum.data(), floats_of(body), sum.size());
}

bool Reduction::add_up(uint32_t p, Gathered& gathered, Outbox& out) {
  PieceHead head{lane_, round_, p, 0, 0};
  for (uint32_t node = 0; node < place_.nodes; ++node) {
    const bool own = node == place_.self.value;
    head.weight += own ? own_weight_ : weight_of(gathered.parts[node]);
  }
  // When nobody knows anything, all have what they began with.
  const double own = head.weight == 0 ? 1 : own_weight_;
  if (head.weight == 0) head.weight = own;
  weight_ = head.weight;
  // All have begun this round, so all have what was kept of the last one.
  const Block& block = blocks_[place_.self.value];
  if (std::exchange(totals_round_, round_) != round_) {
    std::fill(totals_.begin() + block.first, totals_.begin() + block.end, Bytes());
  }
  const Bytes total = codec_ ? encoded_mean(head, gathered, own) : mean(head, gathered, own);
  if (!is_short_) {
    totals_[p] = total;
    // Everybody's part of this piece was sent for the total of that one.
    if (p >= block.first + ahead_) totals_[p - ahead_] = {};
  }
  gathered.parts.clear();
  for (uint32_t step = 1; step < place_.nodes && !is_short_; ++step) {
    out.send(NodeId{(place_.self.value + step) % place_.nodes}, Kind::total, total);
  }
  ended_[p] = true;
  return end_piece();
}

// The mean of a piece, as a message and in its place.
Bytes Reduction::mean(const PieceHead& head, const Gathered& gathered, double own_weight) {
  const Piece& piece = pieces_[head.piece];
  float* own = &values_[piece.from];
  std::vector<const float*> parts;
  for (uint32_t node = 0; node < place_.nodes; ++node) {
    const bool is_own = node == place_.self.value;
    if ((is_own ? own_weight : weight_of(gathered.parts[node])) == 0) continue;
    parts.push_back(is_own ? own : floats_of(gathered.parts[node]));
  }
  MutableBytes body = body_for(sizeof head + piece.count * sizeof(float));
  std::memcpy(body.data(), &head, sizeof head);
  auto* mean = reinterpret_cast<float*>(body.data() + sizeof head);
  write_mean(parts, static_cast<float>(1 / head.weight), mean, own, piece.count);
  return std::move(body).freeze();
}

Bytes Reduction::encoded_mean(const PieceHead& head, const Gathered& gathered, double own_weight) {
  const Piece& piece = pieces_[head.piece];
  const std::span<float> own = values_.subspan(piece.from, piece.count);
  sum_.resize(piece.count);
  bool first = true;
  for (uint32_t node = 0; node < place_.nodes; ++node) {
    const bool is_own = node == place_.self.value;
    if ((is_own ? own_weight : weight_of(gathered.parts[node])) == 0) continue;
    if (is_own) {
      (first ? vec().copy : vec().add)(sum_.data(), own.data(), own.size());
    } else {
      take(gathered.parts[node], first, sum_);
    }
    first = false;
  }
  const auto by = static_cast<float>(1 / head.weight);
  for (float& value : sum_) value *= by;
  Bytes total = packed(head, sum_);
  take(total, true, own);
  return total;
}

bool Reduction::end_piece() {
  if (--open_ > 0) return false;
  rounds_.erase(round_);
  ++round_;
  busy_ = false;
  return true;
}

void Reduction::state(StateFields& fields) {
  HEMIOLA_CHECK(!busy_);
  uint64_t round = round_;
  fields.number("round", round);
  round_ = static_cast<uint32_t>(round);
  for (size_t p = 0; p < pieces_.size() && codec_; ++p) {
    const std::string name = "piece." + std::to_string(p);
    if (pieces_[p].left_out) {
      pieces_[p].left_out->state(name, fields);
    } else {
      fields.floats(name + ".memory", pieces_[p].memory.warm);
    }
  }
}

bool Reduction::take_back(std::span<float> sum) {
  if (!codec_ || !codec_->biased()) return false;
  for (uint32_t p = 0; p < pieces_.size(); ++p) {
    Piece& piece = pieces_[p];
    const bool own = piece.owner == place_.self.value;
    const bool under_way = busy_ && (own ? ended_[p] : p < blocks_[piece.owner].next);
    const bool encoded = under_way && (own || own_weight_ > 0);
    piece.left_out->take_back(sum.subspan(piece.from, piece.count),
                              own ? static_cast<float>(weight_) : 1.0f, encoded);
  }
  return true;
}

std::optional<NodeId> Reduction::waits_for() const {
  if (!busy_) return std::nullopt;
  const Round& round = rounds_.at(round_);
  for (const auto& [p, gathered] : round) {
    for (uint32_t node = 0; node < gathered.parts.size(); ++node) {
      if (node != place_.self.value && gathered.parts[node].empty()) return NodeId{node};
    }
  }
  for (size_t p = 0; p < pieces_.size(); ++p) {
    if (!ended_[p]) return NodeId{pieces_[p].owner};
  }
  return std::nullopt;
}

}  // namespace hemiola

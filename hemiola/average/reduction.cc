#include "hemiola/average/reduction.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

constexpr size_t kLine = 16;  // floats in a cache line

const float* floats_of(const Bytes& body) {
  return reinterpret_cast<const float*>(body.data() + sizeof(PieceHead));
}

size_t count_of(const Bytes& body) { return (body.size() - sizeof(PieceHead)) / sizeof(float); }

double weight_of(const Bytes& body) {
  PieceHead head;
  std::memcpy(&head, body.data(), sizeof head);
  return head.weight;
}

void scale(float* values, float by, size_t n) {
  for (size_t i = 0; i < n; ++i) values[i] *= by;
}

}  // namespace

Reduction::Reduction(const Place& place, uint32_t lane, size_t floats)
    : place_(place), lane_(lane), is_short_(floats <= kShort) {
  if (is_short_) {
    pieces_.push_back({0, 0, floats});
  } else {
    const size_t even = (floats + place.nodes - 1) / place.nodes;
    const size_t block = (even + kLine - 1) / kLine * kLine;
    for (uint32_t owner = 0; owner < place.nodes; ++owner) {
      const size_t end = std::min(floats, (owner + 1) * block);
      for (size_t at = owner * block; at < end; at += kPiece) {
        pieces_.push_back({owner, at, std::min(kPiece, end - at)});
      }
    }
  }
  ended_.resize(pieces_.size());
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

void Reduction::send_parts(Outbox& out) {
  // Each node begins with the one after it, so that not all send to node 0 first.
  for (uint32_t step = 1; step < place_.nodes; ++step) {
    const NodeId to{(place_.self.value + step) % place_.nodes};
    for (uint32_t p = 0; p < pieces_.size(); ++p) {
      const Piece& piece = pieces_[p];
      if (!is_short_ && piece.owner != to.value) continue;
      const PieceHead head{lane_, round_, p, 0, own_weight_};
      const size_t count = own_weight_ == 0 ? 0 : piece.count;
      out.send(to, Kind::part,
               with_floats(head, std::span<const float>(values_.data() + piece.from, count)));
    }
  }
}

bool Reduction::on_message(const Envelope& message, Outbox& out) {
  Reader reader(message.body);
  const auto head = reader.get<PieceHead>();
  if (!reader.ok() || head.piece >= pieces_.size() || head.round < round_) {
    throw std::runtime_error("a piece of a mean that nobody waits for");
  }
  const Piece& piece = pieces_[head.piece];
  const size_t count = count_of(message.body);
  if (message.kind == Kind::total) {
    const bool fits = busy_ && head.round == round_ && !is_short_ &&
                      piece.owner == message.from.value && count == piece.count &&
                      !ended_[head.piece];
    if (!fits) throw std::runtime_error("a piece of a mean that does not fit");
    ended_[head.piece] = true;
    weight_ = head.weight;
    std::memcpy(&values_[piece.from], floats_of(message.body), count * sizeof(float));
    return end_piece();
  }
  Gathered& gathered = rounds_[head.round][head.piece];
  gathered.parts.resize(place_.nodes);
  Bytes& part = gathered.parts[message.from.value];
  const bool fits = adds_up(piece) && head.round <= round_ + 1 && part.empty() &&
                    count == (head.weight == 0 ? 0 : piece.count);
  if (!fits) throw std::runtime_error("a part of a mean that does not fit");
  part = message.body;
  return ++gathered.present == place_.nodes && add_up(head.piece, gathered, out);
}

bool Reduction::add_up(uint32_t p, Gathered& gathered, Outbox& out) {
  const Piece& piece = pieces_[p];
  const size_t n = piece.count;
  MutableBytes body(sizeof(PieceHead) + n * sizeof(float));
  auto* sum = reinterpret_cast<float*>(body.data() + sizeof(PieceHead));
  PieceHead head{lane_, round_, p, 0, 0};
  bool any = false;
  for (uint32_t node = 0; node < place_.nodes; ++node) {
    const bool own = node == place_.self.value;
    const double weight = own ? own_weight_ : weight_of(gathered.parts[node]);
    if (weight == 0) continue;
    const float* part = own ? &values_[piece.from] : floats_of(gathered.parts[node]);
    any ? vec().add(sum, part, n) : vec().copy(sum, part, n);
    any = true;
    head.weight += weight;
  }
  HEMIOLA_CHECK(any);
  if (head.weight != 1) scale(sum, static_cast<float>(1 / head.weight), n);
  std::memcpy(body.data(), &head, sizeof head);
  std::memcpy(&values_[piece.from], sum, n * sizeof(float));
  weight_ = head.weight;
  gathered.parts.clear();
  const Bytes total = std::move(body).freeze();
  for (uint32_t step = 1; step < place_.nodes && !is_short_; ++step) {
    out.send(NodeId{(place_.self.value + step) % place_.nodes}, Kind::total, total);
  }
  ended_[p] = true;
  return end_piece();
}

bool Reduction::end_piece() {
  if (--open_ > 0) return false;
  rounds_.erase(round_);
  ++round_;
  busy_ = false;
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

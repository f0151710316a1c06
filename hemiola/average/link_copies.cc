#include "hemiola/average/link_copies.h"

#include <algorithm>
#include <cmath>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr uint64_t kDraws = 0x117c;

struct LinkHead {
  uint32_t number = 0;  // from 1
  float scale = 1;      // of what is decoded
  float share = 1;      // of the difference's squared length that came over
};

struct Fit {
  float scale = 1, share = 1;
};

// What is not finite is passed on as it is, to be seen by the receiver.
Fit fit_of(std::span<const float> change, std::span<const float> decoded) {
  double dq = 0, dd = 0, qq = 0;
  for (size_t i = 0; i < change.size(); ++i) {
    const double d = change[i], q = decoded[i];
    dq += d * q;
    dd += d * d;
    qq += q * q;
  }
  if (dd == 0 || !std::isfinite(dd + qq)) return {};
  if (qq == 0 || dq <= 0) return {0, 0};
  return {static_cast<float>(dq / qq), static_cast<float>(std::min(1.0, dq / qq * (dq / dd)))};
}

// One function for both ends, so that their copies are the same bits.
[[gnu::noinline]] void add_scaled(std::span<float> copy, std::span<const float> decoded,
                                  float scale) {
  for (size_t i = 0; i < copy.size(); ++i) copy[i] += scale * decoded[i];
}

}  // namespace

std::unique_ptr<LinkBasis> link_basis(Crew& crew) {
  const std::string& text = crew.options().codec;
  if (text == "none" || crew.place().nodes == 1) return nullptr;
  auto basis = std::make_unique<LinkBasis>();
  basis->codec = make_codec(text);
  const auto start = crew.common_start();
  basis->start.assign(start.begin(), start.end());
  basis->seed = crew.options().seed;
  return basis;
}

LinkCopies::LinkCopies(LinkBasis& basis, WorkerId own, WorkerId peer)
    : basis_(&basis), random_(mix(mix(basis.seed, kDraws), own.value, peer.value)) {}

uint32_t LinkCopies::number_of(std::span<const std::byte> message) {
  return Reader(message).get<LinkHead>().number;
}

size_t LinkCopies::bytes_for_message() const {
  return sizeof(LinkHead) + basis_->codec->bytes_for(basis_->start.size());
}

void LinkCopies::encode(std::span<const float> values, Writer& out) {
  const size_t n = values.size();
  HEMIOLA_CHECK(n == basis_->start.size());
  if (mine_.empty()) mine_ = basis_->start;
  std::vector<float>& change = basis_->change;
  std::vector<float>& decoded = basis_->decoded;
  change.resize(n);
  decoded.resize(n);
  for (size_t i = 0; i < n; ++i) change[i] = values[i] - mine_[i];

  LinkHead head{++sent_};
  const size_t head_at = out.size(), most = basis_->codec->bytes_for(n);
  out.put(head);
  const std::span<std::byte> room(out.skip(most), most);
  const size_t used = basis_->codec->encode(change, memory_, random_, room);
  HEMIOLA_CHECK(basis_->codec->decode(room.first(used), decoded).empty());
  out.rewind(head_at + sizeof head + used);

  const Fit fit = fit_of(change, decoded);
  head.scale = fit.scale;
  head.share = my_share_ = fit.share;
  out.patch(head_at, head);
  add_scaled(mine_, decoded, fit.scale);
}

Refusal LinkCopies::hold(std::span<const std::byte> message) {
  Reader reader(message);
  const auto head = reader.get<LinkHead>();
  if (!reader.ok() || head.number == 0) return "a message of a link without its head";
  if (head.number <= taken_ || held_.contains(head.number)) return {};
  if (head.number - taken_ > kMostHeld) return "a message of a link that is far ahead";
  const bool fits = std::isfinite(head.scale) && head.share >= 0 && head.share <= 1;
  if (!fits) return "a message of a link with a scale or a share that cannot be";
  Held held{std::vector<float>(basis_->start.size()), head.scale, head.share};
  const Refusal refusal = basis_->codec->decode(message.subspan(sizeof head), held.decoded);
  if (refusal.empty()) held_.emplace(head.number, std::move(held));
  return refusal;
}

bool LinkCopies::take(std::span<const std::byte> message) {
  const uint32_t number = number_of(message);
  const auto end = held_.upper_bound(number);
  const auto there = static_cast<uint32_t>(std::distance(held_.begin(), end));
  if (number <= taken_ || there != number - taken_) return false;
  if (theirs_.empty()) theirs_ = basis_->start;
  for (auto at = held_.begin(); at != end; at = held_.erase(at)) {
    add_scaled(theirs_, at->second.decoded, at->second.scale);
    their_share_ = at->second.share;
  }
  taken_ = number;
  return true;
}

}  // namespace hemiola

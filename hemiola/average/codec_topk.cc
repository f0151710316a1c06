// The codec of the largest values. A message is the values in the order of their places, then for
// each the gap to the one before, as in LEB128: 7 bits a byte, lowest first, the top bit says that
// more follow.
#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "hemiola/average/codec_kinds.h"
#include "hemiola/core/check.h"

namespace hemiola {
namespace {

// Magnitudes have the order of their bits; what is not finite is largest.
uint32_t magnitude(float x) { return std::bit_cast<uint32_t>(x) & 0x7fffffffu; }

constexpr unsigned kBinShift =
    20;  // sign, exponent and three bits: bins an eighth of an octave wide
constexpr size_t kBins = 1u << (31 - kBinShift);

struct Cut {
  uint32_t least = 0;  // all magnitudes from here on are candidates
  size_t candidates = 0;
};

// The highest bin from which on there are at least k values; all of a vector not worth the
// counting.
Cut cut_for(std::span<const float> x, size_t k) {
  if (x.size() <= 2 * kBins) return {0, x.size()};
  // Four counters for each bin: neighbours mostly share a bin, and would wait for each other.
  std::vector<std::array<uint32_t, 4>> count(kBins);
  for (size_t i = 0; i < x.size(); ++i) ++count[magnitude(x[i]) >> kBinShift][i % 4];
  size_t sum = 0;
  for (size_t bin = kBins; bin-- > 0;) {
    for (const uint32_t c : count[bin]) sum += c;
    if (sum >= k) return {static_cast<uint32_t>(bin << kBinShift), sum};
  }
  HEMIOLA_CHECK(false);
}

// Places of the k largest, of equal ones the first, in ascending order.
std::vector<uint32_t> largest_places(std::span<const float> x, size_t k) {
  const Cut cut = cut_for(x, k);
  std::vector<uint32_t> places(cut.candidates + 1);  // one more: each place is written, then kept
  size_t count = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    places[count] = static_cast<uint32_t>(i);
    count += magnitude(x[i]) >= cut.least;
  }
  places.resize(count);
  if (count == k) return places;

  const auto before = [&](uint32_t a, uint32_t b) {
    const uint32_t left = magnitude(x[a]), right = magnitude(x[b]);
    return left != right ? left > right : a < b;
  };
  std::vector<uint32_t> order = places;
  std::nth_element(order.begin(), order.begin() + static_cast<ptrdiff_t>(k - 1), order.end(),
                   before);
  const uint32_t last = order[k - 1];
  std::erase_if(places, [&](uint32_t i) { return before(last, i); });
  return places;
}

std::byte* put_gap(std::byte* at, uint32_t gap) {
  for (; gap >= 128; gap >>= 7) *at++ = static_cast<std::byte>(gap | 128);
  *at++ = static_cast<std::byte>(gap);
  return at;
}

// Reads gaps one after the other; fails when there is none, or one of more than 32 bits.
class Gaps {
 public:
  explicit Gaps(std::span<const std::byte> bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  bool next(uint64_t& gap) {
    gap = 0;
    for (unsigned shift = 0; at_ != end_ && shift < 35; shift += 7) {
      const auto byte = static_cast<uint64_t>(*at_++);
      gap |= (byte & 127) << shift;
      if (byte < 128) return true;
    }
    return false;
  }

  bool finished() const { return at_ == end_; }

 private:
  const std::byte* at_;
  const std::byte* end_;
};

class TopkCodec final : public Codec {
 public:
  explicit TopkCodec(double share) : share_(share) { HEMIOLA_CHECK(share > 0 && share <= 1); }

  size_t encode(std::span<const float> x, CodecMemory&, Random&,
                std::span<std::byte> out) const override {
    HEMIOLA_CHECK(out.size() >= bytes_for(x.size()));
    const size_t k = count_of(x.size());
    if (k == 0) return 0;
    std::byte* value = out.data();
    std::byte* gap = value + k * sizeof(float);
    uint32_t next = 0;  // the place behind the last one
    for (const uint32_t place : largest_places(x, k)) {
      std::memcpy(value, &x[place], sizeof(float));
      value += sizeof(float);
      gap = put_gap(gap, place - next);
      next = place + 1;
    }
    return static_cast<size_t>(gap - out.data());
  }

  Refusal decode(std::span<const std::byte> message, std::span<float> out) const override {
    if (const Refusal refused = check(message, out.size()); !refused.empty()) return refused;
    std::fill(out.begin(), out.end(), 0.0f);
    for_each(message, out.size(), [&](size_t place, float value) { out[place] = value; });
    return {};
  }

  Refusal decode_add(std::span<const std::byte> message, float weight,
                     std::span<float> out) const override {
    if (const Refusal refused = check(message, out.size()); !refused.empty()) return refused;
    for_each(message, out.size(), [&](size_t place, float value) { out[place] += weight * value; });
    return {};
  }

  // A gap of j + 1 bytes passes at least 128^j places.
  size_t bytes_for(size_t n) const override {
    const size_t k = count_of(n);
    size_t bytes = k * sizeof(float) + k;
    for (unsigned shift = 7; shift < 35; shift += 7) bytes += std::min(k, n >> shift);
    return bytes;
  }

  double error_bound(size_t n) const override {
    return n == 0 ? 0 : 1 - static_cast<double>(count_of(n)) / static_cast<double>(n);
  }

  bool biased() const override { return true; }

  std::string text() const override {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof(digits), share_).ptr;
    return "topk(" + std::string(digits, end) + ")";
  }

 private:
  size_t count_of(size_t n) const {
    const double exact = share_ * static_cast<double>(n);
    return std::min(n, static_cast<size_t>(std::ceil(exact * (1 - 1e-12))));
  }

  Refusal check(std::span<const std::byte> message, size_t n) const {
    const size_t k = count_of(n);
    if (message.size() < k * sizeof(float)) return "a topk message is too short for its values";
    Gaps gaps(message.subspan(k * sizeof(float)));
    uint64_t next = 0, gap = 0;
    for (size_t i = 0; i < k; ++i) {
      if (!gaps.next(gap)) return "a topk message ends within its places";
      next += gap + 1;
      if (next > n) return "a topk message has a place behind the end of the vector";
    }
    return gaps.finished() ? Refusal() : "a topk message goes on behind its last place";
  }

  template <class Take>
  void for_each(std::span<const std::byte> message, size_t n, const Take& take) const {
    const size_t k = count_of(n);
    Gaps gaps(message.subspan(k * sizeof(float)));
    uint64_t next = 0, gap = 0;
    for (size_t i = 0; i < k; ++i) {
      float value;
      std::memcpy(&value, message.data() + i * sizeof(float), sizeof(float));
      gaps.next(gap);
      take(next + gap, value);
      next += gap + 1;
    }
  }

  const double share_;
};

}  // namespace

std::unique_ptr<const Codec> topk_codec(double share) { return std::make_unique<TopkCodec>(share); }

}  // namespace hemiola

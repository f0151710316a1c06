#include "hemiola/table/row_coding.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

// The step of a quantised row is 2^(byte - kZero); no row is finer than the smallest normal float.
constexpr int kZero = 127, kNotFinite = 255;

uint16_t nearest_bf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if (x != x) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

uint16_t bf16_towards_zero(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  return static_cast<uint16_t>(bits >> 16 | (x != x ? 0x40 : 0));
}

template <uint16_t (*kRound)(float)>
std::byte* put_halves(const float* x, uint32_t n, std::byte* to) {
  for (uint32_t i = 0; i < n; ++i, to += 2) {
    const uint16_t half = kRound(x[i]);
    std::memcpy(to, &half, sizeof half);
  }
  return to;
}

const std::byte* get_halves(const std::byte* from, uint32_t n, float* x) {
  for (uint32_t i = 0; i < n; ++i, from += 2) {
    uint16_t half;
    std::memcpy(&half, from, sizeof half);
    x[i] = std::bit_cast<float>(static_cast<uint32_t>(half) << 16);
  }
  return from;
}

size_t bytes_of_levels(uint32_t n, uint32_t bits) { return (size_t{n} * bits + 7) / 8; }

// 2^exponent is the least power of two that times `most` is not below `largest`.
int step_exponent(float largest, int most) {
  int exponent = 0;
  const float part = std::frexp(largest / static_cast<float>(most), &exponent);
  return part == 0.5f ? exponent - 1 : exponent;
}

// Levels are from -most to most, and are put as 0 to 2 * most.
template <uint32_t kBits>
std::byte* put_levels(const float* x, uint32_t n, std::byte* to) {
  constexpr int kMost = (1 << (kBits - 1)) - 1;
  constexpr uint32_t kPerByte = 8 / kBits;
  float largest = 0, sum = 0;
  for (uint32_t i = 0; i < n; ++i) largest = std::max(largest, std::fabs(x[i]));
  for (uint32_t i = 0; i < n; ++i) sum += x[i] * 0.0f;
  std::byte* const levels = to + 1;
  std::byte* const end = levels + bytes_of_levels(n, kBits);
  if (sum != 0 || largest == 0) {
    *to = static_cast<std::byte>(sum != 0 ? kNotFinite : 0);
    std::fill(levels, end, std::byte{0});
    return end;
  }
  const int exponent = std::clamp(step_exponent(largest, kMost), 1 - kZero, kZero);
  *to = static_cast<std::byte>(exponent + kZero);
  const float per_step = std::ldexp(1.0f, -exponent);
  const auto level = [&](uint32_t i) {
    // Half a step up for every sign: to the nearest.
    const auto steps = static_cast<int>(std::copysign(0.5f, x[i]) + x[i] * per_step);
    return static_cast<uint32_t>(std::clamp(steps, -kMost, kMost) + kMost);
  };
  const uint32_t whole = n / kPerByte;
  for (uint32_t b = 0; b < whole; ++b) {
    uint32_t byte = 0;
    for (uint32_t i = 0; i < kPerByte; ++i) byte |= level(b * kPerByte + i) << (i * kBits);
    levels[b] = static_cast<std::byte>(byte);
  }
  uint32_t rest = 0;
  for (uint32_t i = whole * kPerByte; i < n; ++i) rest |= level(i) << (i % kPerByte * kBits);
  if (n % kPerByte != 0) levels[whole] = static_cast<std::byte>(rest);
  return end;
}

template <uint32_t kBits>
const std::byte* get_levels(const std::byte* from, uint32_t n, float* x) {
  constexpr int kMost = (1 << (kBits - 1)) - 1;
  constexpr uint32_t kPerByte = 8 / kBits, kMask = (1u << kBits) - 1;
  const int byte = static_cast<int>(*from++);
  const float step = byte == kNotFinite ? NAN : byte == 0 ? 0 : std::ldexp(1.0f, byte - kZero);
  for (uint32_t i = 0; i < n; ++i) {
    const auto level = static_cast<uint32_t>(from[i / kPerByte]) >> (i % kPerByte * kBits) & kMask;
    x[i] = step * static_cast<float>(static_cast<int>(level) - kMost);
  }
  return from + bytes_of_levels(n, kBits);
}

std::byte* put_values(const RowCoding& coding, const float* x, uint32_t n, std::byte* to) {
  if (coding.kind == RowCoding::Kind::bf16) return put_halves<nearest_bf16>(x, n, to);
  return coding.bits == 8   ? put_levels<8>(x, n, to)
         : coding.bits == 4 ? put_levels<4>(x, n, to)
                            : put_levels<2>(x, n, to);
}

const std::byte* get_values(const RowCoding& coding, const std::byte* from, uint32_t n, float* x) {
  if (coding.kind == RowCoding::Kind::bf16) return get_halves(from, n, x);
  return coding.bits == 8   ? get_levels<8>(from, n, x)
         : coding.bits == 4 ? get_levels<4>(from, n, x)
                            : get_levels<2>(from, n, x);
}

}  // namespace

RowCoding parse_row_coding(std::string_view text) {
  using Kind = RowCoding::Kind;
  if (text == "none") return {};
  if (text == "bf16") return {Kind::bf16, 0};
  for (const uint32_t bits : {2u, 4u, 8u}) {
    if (text == "quantise(" + std::to_string(bits) + ")") return {Kind::quantise, bits};
  }
  throw UserError(
      "rows of tables are sent one by one, as none, bf16, quantise(2), quantise(4) or "
      "quantise(8), not as \"" +
      std::string(text) + "\"");
}

RowForm::RowForm(uint32_t row_length, uint32_t values, RowCoding coding)
    : row_length_(row_length), values_(values), coding_(coding) {
  if (!lossy()) {
    bytes_ = row_length * sizeof(float);
    return;
  }
  bytes_ = size_t{2} * (row_length - values);
  bytes_ += coding.bits == 0 ? size_t{2} * values : 1 + bytes_of_levels(values, coding.bits);
  bytes_ = (bytes_ + 3) / 4 * 4;
}

void RowForm::encode(const float* row, std::byte* to) const {
  if (!lossy()) {
    std::memcpy(to, row, bytes_);
    return;
  }
  std::byte* const end = to + bytes_;
  to = put_values(coding_, row, values_, to);
  to = put_halves<bf16_towards_zero>(row + values_, row_length_ - values_, to);
  std::fill(to, end, std::byte{0});
}

void RowForm::decode(const std::byte* from, float* row) const {
  if (!lossy()) {
    std::memcpy(row, from, bytes_);
    return;
  }
  from = get_values(coding_, from, values_, row);
  get_halves(from, row_length_ - values_, row + values_);
}

}  // namespace hemiola

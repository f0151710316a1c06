// Numbers in text, read without locale, allocation or exceptions.
//
// Each function gives the place behind the number, or nullptr when there is no number at `at`
// or it does not fit; `out` is then undefined. `end` is the end of readable text.
#pragma once

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <system_error>

namespace hemiola::number {

static_assert(std::endian::native == std::endian::little, "digits are read eight at a time");

inline bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }
inline bool is_blank(char c) { return c == ' ' || c == '\t'; }

inline uint64_t load_8(const char* at) {
  uint64_t v;
  std::memcpy(&v, at, 8);
  return v;
}

// How many of the eight characters, from the first, are digits.
inline unsigned leading_digits(uint64_t v) {
  constexpr uint64_t kHigh = 0xF0F0F0F0F0F0F0F0;
  constexpr uint64_t kZeros = 0x3030303030303030;
  // A carry out of a byte can only disturb the bytes behind one that is no digit already.
  const uint64_t bad = ((v & kHigh) ^ kZeros) | (((v + 0x0606060606060606) & kHigh) ^ kZeros);
  return bad == 0 ? 8 : static_cast<unsigned>(std::countr_zero(bad)) / 8;
}

// The value of the first `n` characters, digits all. REQUIRES: 1 <= n <= 8.
inline uint32_t value_of(uint64_t v, unsigned n) {
  v = (v & 0x0F0F0F0F0F0F0F0F) << (64 - 8 * n);
  v = v * 10 + (v >> 8);
  const uint64_t low = (v & 0x000000FF000000FF) * 0x000F424000000064;
  const uint64_t high = ((v >> 16) & 0x000000FF000000FF) * 0x0000271000000001;
  return static_cast<uint32_t>((low + high) >> 32);
}

// Digits one by one: near the end of the text, or more than eight of them.
inline const char* parse_digits(const char* at, const char* end, uint64_t& out) {
  while (at != end && is_digit(*at)) {
    const auto digit = static_cast<uint64_t>(*at - '0');
    if (out > (UINT64_MAX - digit) / 10) return nullptr;
    out = out * 10 + digit;
    ++at;
  }
  return at;
}

// A non-negative integer without sign.
inline const char* parse_uint(const char* at, const char* end, uint64_t& out) {
  if (end - at >= 8) {
    const uint64_t v = load_8(at);
    const unsigned n = leading_digits(v);
    if (n == 0) return nullptr;
    out = value_of(v, n);
    return n < 8 ? at + n : parse_digits(at + 8, end, out);
  }
  out = 0;
  const char* behind = parse_digits(at, end, out);
  return behind == at ? nullptr : behind;
}

// The general case: anything std::from_chars reads, with a leading + too.
const char* parse_float_slowly(const char* at, const char* end, float& out);

// A finite decimal number, rounded to double and then to float.
inline const char* parse_float(const char* at, const char* end, float& out) {
  constexpr uint64_t kPower[] = {1, 10, 100, 1000, 10'000, 100'000, 1'000'000, 10'000'000};
  constexpr uint64_t kEight = 100'000'000;
  if (end - at < 28) return parse_float_slowly(at, end, out);
  const char* p = at;
  const bool minus = *p == '-';
  p += minus || *p == '+';
  uint64_t v = load_8(p);
  unsigned n = leading_digits(v);
  if (n == 0 || n == 8) return parse_float_slowly(at, end, out);
  uint64_t digits = value_of(v, n);
  double scale = 1;
  p += n;
  if (*p == '.') {
    v = load_8(++p);
    n = leading_digits(v);
    p += n;
    if (n == 8) {
      digits = digits * kEight + value_of(v, 8);
      scale = static_cast<double>(kEight);
      v = load_8(p);
      n = leading_digits(v);
      p += n;
      if (n == 8) return parse_float_slowly(at, end, out);
    }
    if (n > 0) {
      if (__builtin_mul_overflow(digits, kPower[n], &digits) || digits >> 53) {
        return parse_float_slowly(at, end, out);
      }
      digits += value_of(v, n);
      scale *= static_cast<double>(kPower[n]);
    }
  }
  if (*p == 'e' || *p == 'E') return parse_float_slowly(at, end, out);
  // Both are exact as doubles, so the quotient is rounded once.
  if (digits >> 53) return parse_float_slowly(at, end, out);
  const double value = static_cast<double>(digits) / scale;
  out = static_cast<float>(minus ? -value : value);
  return p;
}

}  // namespace hemiola::number

// The bodies of the codec kernels, for the three files that compile them. These must not fuse
// products into sums (-ffp-contract=off), else the sets would differ in the last bit.
#pragma once

#include "hemiola/average/codec_kernels.h"
#include "hemiola/core/vec_pack.h"

namespace hemiola {
namespace {

constexpr size_t W = kWidth;
constexpr size_t kWords = 8;  // of a block; together 32 bytes

using F = Pack<W>::Value;
using I = Pack<W>::Bits;
typedef unsigned U __attribute__((vector_size(W * 4)));
typedef unsigned Words __attribute__((vector_size(W * 4 < 32 ? W * 4 : 32)));
typedef unsigned WordsPlace
    __attribute__((vector_size(W * 4 < 32 ? W * 4 : 32), aligned(1), may_alias));
typedef unsigned short Halves __attribute__((vector_size(W * 2)));
typedef unsigned short HalvesPlace __attribute__((vector_size(W * 2), aligned(1), may_alias));

HEMIOLA_INLINE F load(const float* x) { return *reinterpret_cast<const Pack<W>::Place*>(x); }
HEMIOLA_INLINE void store(float* to, F x) { *reinterpret_cast<Pack<W>::Place*>(to) = x; }
HEMIOLA_INLINE F all(float x) { return F{} + x; }
HEMIOLA_INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

HEMIOLA_INLINE U places() {
  U u{};
  for (unsigned j = 0; j < W; ++j) u[j] = j;
  return u;
}

constexpr float kInfinity = __builtin_inff();

struct Set {
  HEMIOLA_INLINE void operator()(float* to, F y) const { store(to, y); }
  HEMIOLA_INLINE void one(float* to, float y) const { *to = y; }
};

struct Add {
  float weight;
  HEMIOLA_INLINE void operator()(float* to, F y) const { store(to, load(to) + weight * y); }
  HEMIOLA_INLINE void one(float* to, float y) const { *to += weight * y; }
};

// ---- codes and their values ----------------------------------------------------------------

// 24 random bits for each place (the finaliser "triple32" without its third round, by C. Wellons,
// with the second half of the key between the rounds).
HEMIOLA_INLINE I draw(U place, unsigned low, unsigned high) {
  U x = place * 0x9e3779b1u + low;
  x ^= x >> 16;
  x *= 0x21f0aaadu;
  x ^= high;
  x ^= x >> 15;
  x *= 0xd35a2d97u;
  x ^= x >> 15;
  return (I)(x >> 8);
}

struct LevelCode {
  float most, per_step;
  unsigned low, high;

  HEMIOLA_INLINE I operator()(const float* at, unsigned place) const {
    const I bits = (I)load(at);
    const I negative = bits >> 31;
    F a = (F)(bits & 0x7fffffff) * per_step;
    a = a < most ? a : all(most);
    I level = __builtin_convertvector(a, I);
    const I part = __builtin_convertvector((a - __builtin_convertvector(level, F)) * 0x1p24f, I);
    level -= draw(places() + place, low, high) < part;
    return (level ^ negative) - negative;
  }
};

template <unsigned B>
struct LevelValue {
  float step;
  HEMIOLA_INLINE F operator()(U top) const {
    return __builtin_convertvector((I)top >> (32 - B), F) * step;
  }
};

struct SignCode {
  HEMIOLA_INLINE I operator()(const float* at, unsigned) const { return (I)load(at) >> 31; }
};

struct SignValue {
  int step;  // its bits
  HEMIOLA_INLINE F operator()(U top) const { return (F)(((I)top & (int)0x80000000) | step); }
};

// ---- packing -------------------------------------------------------------------------------

// A register of 16 holds the words of two halves of a block side by side. Templates, since the
// other widths cannot even name these lanes.
template <unsigned B, class Wide>
HEMIOLA_INLINE void store_halves(unsigned char* out, Wide sum) {
  const auto low = __builtin_shufflevector(sum, sum, 0, 1, 2, 3, 4, 5, 6, 7);
  const auto high = __builtin_shufflevector(sum, sum, 8, 9, 10, 11, 12, 13, 14, 15);
  *reinterpret_cast<WordsPlace*>(out) = low | high << B;
}

template <unsigned B, class Wide, class Eight>
HEMIOLA_INLINE Wide halves_of(Eight w) {
  return __builtin_shufflevector(w, w >> B, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

template <unsigned B, class Code>
HEMIOLA_INLINE void pack_block(const float* x, unsigned place, const Code& code,
                               unsigned char* out) {
  constexpr int mask = (1 << B) - 1;
  if constexpr (W == 16) {
    U sum{};
    for (unsigned k = 0; k < 16 / B; ++k) {
      sum |= (U)(code(x + 16 * k, place + 16 * k) & mask) << (2 * B * k);
    }
    store_halves<B>(out, sum);
  } else {
    for (unsigned first = 0; first < kWords; first += W) {
      U sum{};
      for (unsigned k = 0; k < 32 / B; ++k) {
        const unsigned at = static_cast<unsigned>(kWords) * k + first;
        sum |= (U)(code(x + at, place + at) & mask) << (B * k);
      }
      __builtin_memcpy(out + 4 * first, &sum, sizeof(sum));
    }
  }
}

template <unsigned B, class Value, class Put>
HEMIOLA_INLINE void unpack_block(const unsigned char* in, const Value& value, const Put& put,
                                 float* out) {
  if constexpr (W == 16) {
    const U both = halves_of<B, U>(Words(*reinterpret_cast<const WordsPlace*>(in)));
    for (unsigned k = 0; k < 16 / B; ++k) {
      put(out + 16 * k, value(both << (32 - B - 2 * B * k)));
    }
  } else {
    for (unsigned first = 0; first < kWords; first += W) {
      U words;
      __builtin_memcpy(&words, in + 4 * first, sizeof(words));
      for (unsigned k = 0; k < 32 / B; ++k) {
        put(out + kWords * k + first, value(words << (32 - B - B * k)));
      }
    }
  }
}

// The values of the last block that is not whole: packed aside, then put one behind the other.
template <unsigned B, class Code>
void pack_rest(const float* x, size_t n, unsigned place, const Code& code, unsigned char* out) {
  float padded[kWords * 32 / B] = {};
  __builtin_memcpy(padded, x, n * sizeof(float));
  unsigned words[kWords];
  pack_block<B>(padded, place, code, reinterpret_cast<unsigned char*>(words));
  __builtin_memset(out, 0, (n * B + 7) / 8);
  for (size_t i = 0; i < n; ++i) {
    const unsigned value = words[i % kWords] >> (i / kWords * B) & ((1u << B) - 1);
    out[i * B / 8] = static_cast<unsigned char>(out[i * B / 8] | value << (i * B % 8));
  }
}

template <unsigned B, class Value, class Put>
void unpack_rest(const unsigned char* in, size_t n, const Value& value, const Put& put,
                 float* out) {
  unsigned words[kWords] = {};
  for (size_t i = 0; i < n; ++i) {
    const unsigned code = in[i * B / 8] >> (i * B % 8) & ((1u << B) - 1);
    words[i % kWords] |= code << (i / kWords * B);
  }
  float padded[kWords * 32 / B];
  unpack_block<B>(reinterpret_cast<unsigned char*>(words), value, Set{}, padded);
  for (size_t i = 0; i < n; ++i) put.one(out + i, padded[i]);
}

template <unsigned B, class Code>
HEMIOLA_INLINE void pack_bucket(const float* x, size_t n, unsigned place, const Code& code,
                                unsigned char* out) {
  constexpr size_t kBlock = kWords * 32 / B;
  size_t i = 0;
  for (; i + kBlock <= n; i += kBlock, out += 32) {
    pack_block<B>(x + i, place + static_cast<unsigned>(i), code, out);
  }
  if (i < n) pack_rest<B>(x + i, n - i, place + static_cast<unsigned>(i), code, out);
}

template <unsigned B, class Value, class Put>
HEMIOLA_INLINE void unpack_bucket(const unsigned char* in, size_t n, const Value& value,
                                  const Put& put, float* out) {
  constexpr size_t kBlock = kWords * 32 / B;
  size_t i = 0;
  for (; i + kBlock <= n; i += kBlock, in += 32) unpack_block<B>(in, value, put, out + i);
  if (i < n) unpack_rest<B>(in, n - i, value, put, out + i);
}

// ---- what a bucket is divided by -----------------------------------------------------------

HEMIOLA_INLINE float largest_in(const float* x, size_t n) {
  // As integers magnitudes have the order of the floats, and what is not finite is above them all.
  I most{};
  size_t i = 0;
  for (; i + W <= n; i += W) {
    const I bits = (I)load(x + i) & 0x7fffffff;
    most = bits > most ? bits : most;
  }
  int largest = 0;
  for (size_t j = 0; j < W; ++j) largest = most[j] > largest ? most[j] : largest;
  for (; i < n; ++i) {
    const int bits = __builtin_bit_cast(int, x[i]) & 0x7fffffff;
    largest = bits > largest ? bits : largest;
  }
  return __builtin_bit_cast(float, largest);
}

HEMIOLA_INLINE float step_of(float largest, float levels) {
  if (!(largest < kInfinity)) return __builtin_nanf("");
  if (largest == 0) return 0;
  return (largest < 0x1p-100f ? 0x1p-100f : largest) / levels;
}

template <bool kMagnitudes>
HEMIOLA_INLINE void sums16(const float* x, const float* y, size_t n, float* sums) {
  F sum[16 / W] = {};
  const auto take = [&](const float* a, const float* b) {
    for (size_t j = 0; j < 16 / W; ++j) {
      const F v = load(a + j * W);
      sum[j] += kMagnitudes ? (F)((I)v & 0x7fffffff) : v * load(b + j * W);
    }
  };
  size_t i = 0;
  for (; i + 16 <= n; i += 16) take(x + i, y + i);
  if (i < n) {
    float a[16] = {}, b[16] = {};
    __builtin_memcpy(a, x + i, (n - i) * sizeof(float));
    if (!kMagnitudes) __builtin_memcpy(b, y + i, (n - i) * sizeof(float));
    take(a, b);
  }
  for (size_t j = 0; j < 16 / W; ++j) store(sums + j * W, sum[j]);
}

HEMIOLA_INLINE double total(const float* sums) {
  double sum = 0;
  for (size_t j = 0; j < 16; ++j) sum += sums[j];
  return sum;
}

// ---- the kernels ---------------------------------------------------------------------------

template <unsigned B>
void quantise_to(const float* x, size_t n, size_t bucket, uint64_t key, unsigned char* steps,
                 unsigned char* codes) {
  constexpr float kMost = (1 << (B - 1)) - 1;
  for (size_t i = 0; i < n; i += bucket) {
    const size_t here = smaller(bucket, n - i);
    const float step = step_of(largest_in(x + i, here), kMost);
    __builtin_memcpy(steps + i / bucket * sizeof(float), &step, sizeof(float));
    const LevelCode code{kMost, step > 0 ? 1 / step : 0.0f, static_cast<unsigned>(key),
                         static_cast<unsigned>(key >> 32)};
    pack_bucket<B>(x + i, here, static_cast<unsigned>(i), code, codes + i * B / 8);
  }
}

void quantise(const float* x, size_t n, unsigned bits, size_t bucket, uint64_t key,
              unsigned char* steps, unsigned char* codes) {
  if (bits == 2) return quantise_to<2>(x, n, bucket, key, steps, codes);
  if (bits == 4) return quantise_to<4>(x, n, bucket, key, steps, codes);
  quantise_to<8>(x, n, bucket, key, steps, codes);
}

HEMIOLA_INLINE float step_at(const unsigned char* steps, size_t bucket_number) {
  float step;
  __builtin_memcpy(&step, steps + bucket_number * sizeof(float), sizeof(float));
  return step;
}

template <unsigned B, class Put>
void dequantise_to(const unsigned char* steps, const unsigned char* codes, size_t n, size_t bucket,
                   const Put& put, float* out) {
  for (size_t i = 0; i < n; i += bucket) {
    const LevelValue<B> value{step_at(steps, i / bucket)};
    unpack_bucket<B>(codes + i * B / 8, smaller(bucket, n - i), value, put, out + i);
  }
}

template <class Put>
void dequantise_with(const unsigned char* steps, const unsigned char* codes, size_t n,
                     unsigned bits, size_t bucket, const Put& put, float* out) {
  if (bits == 2) return dequantise_to<2>(steps, codes, n, bucket, put, out);
  if (bits == 4) return dequantise_to<4>(steps, codes, n, bucket, put, out);
  dequantise_to<8>(steps, codes, n, bucket, put, out);
}

void dequantise(const unsigned char* steps, const unsigned char* codes, size_t n, unsigned bits,
                size_t bucket, const DecodeInto& into) {
  if (into.add) {
    dequantise_with(steps, codes, n, bits, bucket, Add{into.weight}, into.out);
  } else {
    dequantise_with(steps, codes, n, bits, bucket, Set{}, into.out);
  }
}

void signs(const float* x, size_t n, size_t bucket, unsigned char* steps, unsigned char* codes) {
  for (size_t i = 0; i < n; i += bucket) {
    const size_t here = smaller(bucket, n - i);
    float sums[16];
    sums16<true>(x + i, x + i, here, sums);
    float mean = static_cast<float>(total(sums) / static_cast<double>(here));
    if (!(mean < kInfinity)) mean = __builtin_nanf("");
    __builtin_memcpy(steps + i / bucket * sizeof(float), &mean, sizeof(float));
    pack_bucket<1>(x + i, here, 0, SignCode{}, codes + i / 8);
  }
}

template <class Put>
void from_signs_with(const unsigned char* steps, const unsigned char* codes, size_t n,
                     size_t bucket, const Put& put, float* out) {
  for (size_t i = 0; i < n; i += bucket) {
    const SignValue value{__builtin_bit_cast(int, step_at(steps, i / bucket)) & 0x7fffffff};
    unpack_bucket<1>(codes + i / 8, smaller(bucket, n - i), value, put, out + i);
  }
}

void from_signs(const unsigned char* steps, const unsigned char* codes, size_t n, size_t bucket,
                const DecodeInto& into) {
  if (into.add) {
    from_signs_with(steps, codes, n, bucket, Add{into.weight}, into.out);
  } else {
    from_signs_with(steps, codes, n, bucket, Set{}, into.out);
  }
}

HEMIOLA_INLINE void bf16_block(const float* x, unsigned char* out) {
  const U bits = (U)load(x);
  const U rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
  const U half = (I)(bits & 0x7fffffffu) > 0x7f800000 ? (bits >> 16 | 0x40u) : rounded;
  *reinterpret_cast<HalvesPlace*>(out) = __builtin_convertvector(half, Halves);
}

void to_bf16(const float* x, size_t n, unsigned char* halves) {
  size_t i = 0;
  for (; i + W <= n; i += W) bf16_block(x + i, halves + 2 * i);
  if (i == n) return;
  float padded[W] = {};
  unsigned char packed[2 * W];
  __builtin_memcpy(padded, x + i, (n - i) * sizeof(float));
  bf16_block(padded, packed);
  __builtin_memcpy(halves + 2 * i, packed, 2 * (n - i));
}

HEMIOLA_INLINE F bf16_values(const unsigned char* halves) {
  const Halves half = *reinterpret_cast<const HalvesPlace*>(halves);
  return (F)(__builtin_convertvector(half, U) << 16);
}

template <class Put>
HEMIOLA_INLINE void from_bf16_with(const unsigned char* halves, size_t n, const Put& put,
                                   float* out) {
  size_t i = 0;
  for (; i + W <= n; i += W) put(out + i, bf16_values(halves + 2 * i));
  if (i == n) return;
  unsigned char packed[2 * W] = {};
  __builtin_memcpy(packed, halves + 2 * i, 2 * (n - i));
  const F values = bf16_values(packed);
  for (size_t j = 0; i + j < n; ++j) put.one(out + i + j, values[j]);
}

void from_bf16(const unsigned char* halves, size_t n, const DecodeInto& into) {
  if (into.add) {
    from_bf16_with(halves, n, Add{into.weight}, into.out);
  } else {
    from_bf16_with(halves, n, Set{}, into.out);
  }
}

float dot(const float* x, const float* y, size_t n) {
  float sums[16];
  sums16<false>(x, y, n, sums);
  return static_cast<float>(total(sums));
}

void axpy(float* y, float a, const float* x, size_t n) {
  size_t i = 0;
  for (; i + W <= n; i += W) store(y + i, load(y + i) + a * load(x + i));
  for (; i < n; ++i) y[i] += a * x[i];
}

template <class Put>
HEMIOLA_INLINE void combine_with(const float* factors, size_t rank, const float* rows,
                                 size_t stride, size_t n, const Put& put, float* out) {
  size_t j = 0;
  for (; j + W <= n; j += W) {
    F sum{};
    for (size_t k = 0; k < rank; ++k) sum += factors[k] * load(rows + k * stride + j);
    put(out + j, sum);
  }
  for (; j < n; ++j) {
    float sum = 0;
    for (size_t k = 0; k < rank; ++k) sum += factors[k] * rows[k * stride + j];
    put.one(out + j, sum);
  }
}

void combine(const float* factors, size_t rank, const float* rows, size_t stride, size_t n,
             const DecodeInto& into) {
  if (into.add) {
    combine_with(factors, rank, rows, stride, n, Add{into.weight}, into.out);
  } else {
    combine_with(factors, rank, rows, stride, n, Set{}, into.out);
  }
}

constexpr CodecKernels kernels(const char* name) {
  return {name, quantise, dequantise, signs, from_signs, to_bf16, from_bf16, dot, axpy, combine};
}

}  // namespace
}  // namespace hemiola

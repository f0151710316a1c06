// The oracle of the codec kernels: value by value, as the formats are described.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "hemiola/average/codec_kernels.h"

namespace hemiola {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

void put(const DecodeInto& into, size_t i, float value) {
  if (into.add) {
    into.out[i] += into.weight * value;
  } else {
    into.out[i] = value;
  }
}

// Where the code of value i of a bucket of n is: values of whole blocks lie across the words.
size_t bit_of(size_t i, size_t n, unsigned bits) {
  const size_t block = 8 * (32 / bits), start = i / block * block;
  if (start + block > n) return i * bits;
  const size_t within = i - start;
  return start * bits + within % 8 * 32 + within / 8 * bits;
}

void write_code(unsigned char* codes, size_t bit, unsigned bits, unsigned code) {
  for (unsigned b = 0; b < bits; ++b, ++bit) {
    if (code >> b & 1) codes[bit / 8] = static_cast<unsigned char>(codes[bit / 8] | 1 << bit % 8);
  }
}

unsigned read_code(const unsigned char* codes, size_t bit, unsigned bits) {
  unsigned code = 0;
  for (unsigned b = 0; b < bits; ++b, ++bit) code |= (codes[bit / 8] >> bit % 8 & 1u) << b;
  return code;
}

uint32_t draw(uint32_t place, uint64_t key) {
  uint32_t x = place * 0x9e3779b1u + static_cast<uint32_t>(key);
  x = (x ^ x >> 16) * 0x21f0aaadu;
  x ^= static_cast<uint32_t>(key >> 32);
  x = (x ^ x >> 15) * 0xd35a2d97u;
  return (x ^ x >> 15) >> 8;
}

float step_of(const float* x, size_t n, float levels) {
  float largest = 0;
  for (size_t i = 0; i < n; ++i) {
    if (!std::isfinite(x[i])) return kNaN;
    largest = std::max(largest, std::abs(x[i]));
  }
  return largest == 0 ? 0 : std::max(largest, 0x1p-100f) / levels;
}

int level_of(float x, float per_step, int levels, uint32_t drawn) {
  const float most = static_cast<float>(levels), scaled = std::abs(x) * per_step;
  const float a = scaled < most ? scaled : most;
  const int below = static_cast<int>(a);
  const float part = (a - static_cast<float>(below)) * 0x1p24f;
  const int level = below + (drawn < static_cast<uint32_t>(part) ? 1 : 0);
  return std::signbit(x) ? -level : level;
}

void quantise(const float* x, size_t n, unsigned bits, size_t bucket, uint64_t key,
              unsigned char* steps, unsigned char* codes) {
  const int levels = (1 << (bits - 1)) - 1;
  std::memset(codes, 0, (n * bits + 7) / 8);
  for (size_t first = 0; first < n; first += bucket) {
    const size_t here = std::min(bucket, n - first);
    const float step = step_of(x + first, here, static_cast<float>(levels));
    std::memcpy(steps + first / bucket * sizeof(float), &step, sizeof(float));
    for (size_t i = 0; i < here; ++i) {
      const auto place = static_cast<uint32_t>(first + i);
      const int level = level_of(x[first + i], step > 0 ? 1 / step : 0, levels, draw(place, key));
      write_code(codes + first * bits / 8, bit_of(i, here, bits), bits,
                 static_cast<unsigned>(level) & ((1u << bits) - 1));
    }
  }
}

float step_at(const unsigned char* steps, size_t bucket_number) {
  float step;
  std::memcpy(&step, steps + bucket_number * sizeof(float), sizeof(float));
  return step;
}

void dequantise(const unsigned char* steps, const unsigned char* codes, size_t n, unsigned bits,
                size_t bucket, const DecodeInto& into) {
  for (size_t i = 0; i < n; ++i) {
    const size_t first = i / bucket * bucket, here = std::min(bucket, n - first);
    const int code =
        static_cast<int>(read_code(codes + first * bits / 8, bit_of(i - first, here, bits), bits));
    const int level = code >= 1 << (bits - 1) ? code - (1 << bits) : code;
    put(into, i, static_cast<float>(level) * step_at(steps, i / bucket));
  }
}

float mean_magnitude(const float* x, size_t n) {
  float sums[16] = {};
  for (size_t i = 0; i < n; ++i) sums[i % 16] += std::abs(x[i]);
  double sum = 0;
  for (const float s : sums) sum += s;
  const float mean = static_cast<float>(sum / static_cast<double>(n));
  return std::isfinite(mean) ? mean : kNaN;
}

void signs(const float* x, size_t n, size_t bucket, unsigned char* steps, unsigned char* codes) {
  std::memset(codes, 0, (n + 7) / 8);
  for (size_t first = 0; first < n; first += bucket) {
    const size_t here = std::min(bucket, n - first);
    const float mean = mean_magnitude(x + first, here);
    std::memcpy(steps + first / bucket * sizeof(float), &mean, sizeof(float));
    for (size_t i = 0; i < here; ++i) {
      write_code(codes + first / 8, bit_of(i, here, 1), 1, std::signbit(x[first + i]));
    }
  }
}

void from_signs(const unsigned char* steps, const unsigned char* codes, size_t n, size_t bucket,
                const DecodeInto& into) {
  for (size_t i = 0; i < n; ++i) {
    const size_t first = i / bucket * bucket, here = std::min(bucket, n - first);
    const bool negative = read_code(codes + first / 8, bit_of(i - first, here, 1), 1);
    put(into, i, std::copysign(step_at(steps, i / bucket), negative ? -1.0f : 1.0f));
  }
}

void to_bf16(const float* x, size_t n, unsigned char* halves) {
  for (size_t i = 0; i < n; ++i) {
    const uint32_t bits = std::bit_cast<uint32_t>(x[i]);
    const uint32_t low = bits & 0xffff;
    uint32_t half = bits >> 16;
    if (std::isnan(x[i])) {
      half |= 0x40;
    } else if (low > 0x8000 || (low == 0x8000 && half % 2 == 1)) {
      ++half;
    }
    halves[2 * i] = static_cast<unsigned char>(half);
    halves[2 * i + 1] = static_cast<unsigned char>(half >> 8);
  }
}

void from_bf16(const unsigned char* halves, size_t n, const DecodeInto& into) {
  for (size_t i = 0; i < n; ++i) {
    const uint32_t half = halves[2 * i] | static_cast<uint32_t>(halves[2 * i + 1]) << 8;
    put(into, i, std::bit_cast<float>(half << 16));
  }
}

float dot(const float* x, const float* y, size_t n) {
  float sums[16] = {};
  for (size_t i = 0; i < n; ++i) sums[i % 16] += x[i] * y[i];
  double sum = 0;
  for (const float s : sums) sum += s;
  return static_cast<float>(sum);
}

void axpy(float* y, float a, const float* x, size_t n) {
  for (size_t i = 0; i < n; ++i) y[i] += a * x[i];
}

void combine(const float* factors, size_t rank, const float* rows, size_t stride, size_t n,
             const DecodeInto& into) {
  for (size_t j = 0; j < n; ++j) {
    float sum = 0;
    for (size_t k = 0; k < rank; ++k) sum += factors[k] * rows[k * stride + j];
    put(into, j, sum);
  }
}

}  // namespace

const CodecKernels kCodecPlain = {"plain", quantise,  dequantise, signs, from_signs,
                                  to_bf16, from_bf16, dot,        axpy,  combine};

}  // namespace hemiola

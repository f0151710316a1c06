// The inner loops of the codecs, once per instruction set. All sets give the same bytes and the
// same floats, so that replicas on unlike machines stay equal. Includes nothing that defines inline
// functions, so that the files compiled per instruction set leak none of them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hemiola {

// How decoded values meet those that are there: they replace them, or are added with a weight.
struct DecodeInto {
  float* out = nullptr;
  bool add = false;
  float weight = 1;
};

// Messages need no alignment. `bits` is 2, 4 or 8; a bucket is a multiple of kCodecBlock values.
//
// Packing: 8 words of 32 bits hold a block of 8 * 32 / bits values; value i is in word i % 8, at
// bit i / 8 * bits. The values behind the last whole block of a bucket follow one another, lowest
// bits first. `steps` has a float for each bucket.
struct CodecKernels {
  const char* name = "";

  // Code of x: the signed level nearest below or above x / step, drawn so that the mean is x, to
  // within 2^-24 of a step. Draws are a function of `key` and the place. The step is the largest
  // magnitude over 2^(bits-1) - 1, but at least 2^-100 over that; 0 where all are 0; NaN where one
  // is not finite.
  void (*quantise)(const float* x, size_t n, unsigned bits, size_t bucket, uint64_t key,
                   unsigned char* steps, unsigned char* codes) = nullptr;
  void (*dequantise)(const unsigned char* steps, const unsigned char* codes, size_t n,
                     unsigned bits, size_t bucket, const DecodeInto& into) = nullptr;

  // One bit for each sign (1: negative), packed likewise; a step is the mean magnitude, or NaN when
  // that is not finite.
  void (*signs)(const float* x, size_t n, size_t bucket, unsigned char* steps,
                unsigned char* codes) = nullptr;
  void (*from_signs)(const unsigned char* steps, const unsigned char* codes, size_t n,
                     size_t bucket, const DecodeInto& into) = nullptr;

  // bfloat16, to the nearest, ties to even; NaN stays NaN.
  void (*to_bf16)(const float* x, size_t n, unsigned char* halves) = nullptr;
  void (*from_bf16)(const unsigned char* halves, size_t n, const DecodeInto& into) = nullptr;

  // Sixteen sums side by side, then one.
  float (*dot)(const float* x, const float* y, size_t n) = nullptr;
  // y[j] += a * x[j].
  void (*axpy)(float* y, float a, const float* x, size_t n) = nullptr;
  // The sum over k of factors[k] * rows[k * stride + j], for each j below n.
  void (*combine)(const float* factors, size_t rank, const float* rows, size_t stride, size_t n,
                  const DecodeInto& into) = nullptr;
};

inline constexpr size_t kCodecBlock = 256;

extern const CodecKernels kCodecPlain;  // the oracle of the tests
extern const CodecKernels kCodecBaseline;
#if defined(__x86_64__)
extern const CodecKernels kCodecAvx2;
extern const CodecKernels kCodecAvx512;
#endif

}  // namespace hemiola

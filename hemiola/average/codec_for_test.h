// What the tests of codecs share.
#pragma once

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "hemiola/average/codec.h"
#include "hemiola/core/random.h"

namespace hemiola::test {

inline const char* const kCodecs[] = {
    "none",      "bf16", "quantise(2, 256)", "quantise(4, 512)", "quantise(8, 512)",
    "topk(0.1)", "sign", "lowrank(2)"};

// Lengths around the ends of blocks, buckets and registers.
inline const size_t kLengths[] = {0,   1,   2,   3,   7,    8,    15,   16,   17,   31,  32,  33,
                                  63,  64,  65,  100, 127,  128,  129,  255,  256,  257, 511, 512,
                                  513, 640, 767, 768, 1000, 1023, 1024, 1025, 2049, 5000};

inline std::vector<float> normal_vector(size_t n, uint64_t seed) {
  Random random(seed);
  std::vector<float> x(n);
  for (float& v : x) v = static_cast<float>(random.normal());
  return x;
}

using Message = std::vector<std::byte>;

inline Message encoded(const Codec& codec, std::span<const float> x, uint64_t seed = 1) {
  CodecMemory memory;
  Random random(seed);
  Message message(codec.bytes_for(x.size()));
  message.resize(codec.encode(x, memory, random, message));
  return message;
}

inline std::vector<float> decoded(const Codec& codec, const Message& message, size_t n) {
  std::vector<float> out(n, 7.0f);
  const Refusal refused = codec.decode(message, out);
  if (!refused.empty()) throw std::runtime_error(std::string(refused));
  return out;
}

inline double squares(std::span<const float> x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return sum;
}

inline double squared_distance(std::span<const float> x, std::span<const float> y) {
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double d = static_cast<double>(x[i]) - y[i];
    sum += d * d;
  }
  return sum;
}

}  // namespace hemiola::test

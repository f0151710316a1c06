// How fast does one core encode and decode, and how many bytes are left? Gigabytes of floats per
// second of CPU time; auto mode needs the same numbers of the machine that it runs on.
//
// usage: codec_speed [VALUES]
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/report.h"
#include "hemiola/average/codec.h"

namespace hemiola::bench {
namespace {

constexpr int kRounds = 7;

// The best of some rounds of at least 40 ms; reading the clock costs as much as a thousand values.
template <class Work>
double gigabytes_per_second(size_t values, const Work& work) {
  const size_t calls = std::max<size_t>(1, (1 << 18) / std::max<size_t>(1, values));
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const double start = cpu_seconds();
    double spent = 0;
    size_t times = 0;
    do {
      for (size_t i = 0; i < calls; ++i) work();
      times += calls;
      spent = cpu_seconds() - start;
    } while (spent < 0.04);
    best = std::max(best, 4e-9 * static_cast<double>(values) * static_cast<double>(times) / spent);
  }
  return best;
}

void measure(const char* text, const std::vector<float>& x) {
  const auto codec = make_codec(text);
  std::string name = text;
  std::replace(name.begin(), name.end(), '(', '_');
  std::erase(name, ')');
  const char* budget = name == "quantise_4" ? ">=1" : "-";

  CodecMemory memory;
  Random random(1);
  std::vector<std::byte> message(codec->bytes_for(x.size()));
  size_t used = 0;
  result("encode_" + name,
         gigabytes_per_second(x.size(),
                              [&] {
                                used = codec->encode(x, memory, random, message);
                                use(message[0]);
                              }),
         "GB/s", budget);
  const std::span<const std::byte> sent(message.data(), used);
  std::vector<float> out(x.size());
  Refusal refused;
  result("decode_" + name,
         gigabytes_per_second(x.size(),
                              [&] {
                                refused = codec->decode(sent, out);
                                use(out[0]);
                              }),
         "GB/s", budget);
  result("decode_add_" + name,
         gigabytes_per_second(x.size(),
                              [&] {
                                refused = codec->decode_add(sent, 1e-6f, out);
                                use(out[0]);
                              }),
         "GB/s", budget);
  result("ratio_" + name, 4.0 * static_cast<double>(x.size()) / static_cast<double>(used), "x");
}

}  // namespace
}  // namespace hemiola::bench

int main(int argc, char** argv) {
  const size_t values = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1 << 18;
  hemiola::Random random(7);
  std::vector<float> x(values);
  for (float& v : x) v = static_cast<float>(random.normal());
  for (const char* text : {"none", "bf16", "quantise(8)", "quantise(4)", "quantise(2)", "sign",
                           "topk(0.01)", "topk(0.1)", "lowrank(1)", "lowrank(4)"}) {
    hemiola::bench::measure(text, x);
  }
}

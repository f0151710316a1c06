#include "hemiola/train/codec_speeds.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "hemiola/average/codec.h"
#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr size_t kValues = 32 << 10;  // a piece of a mean
constexpr std::array kOffered = {"bf16", "quantise(8)", "quantise(4)"};

// Of the best of several turns of a millisecond: what else runs here meanwhile is not the codec's.
template <class Work>
double bytes_per_second(const Work& work) {
  using Clock = std::chrono::steady_clock;
  double best = 0;
  for (int turn = 0; turn < 5; ++turn) {
    const auto start = Clock::now();
    double spent = 0;
    size_t times = 0;
    do {
      work();
      ++times;
      spent = std::chrono::duration<double>(Clock::now() - start).count();
    } while (spent < 1e-3);
    best = std::max(best, 4.0 * static_cast<double>(kValues * times) / spent);
  }
  return best;
}

}  // namespace

std::vector<CodecSpeed> measured_codec_speeds() {
  std::vector<float> values(kValues), decoded(kValues);
  Random random(1);
  for (float& v : values) v = static_cast<float>(random.normal());
  std::vector<CodecSpeed> speeds;
  for (const char* text : kOffered) {
    const auto codec = make_codec(text);
    std::vector<std::byte> message(codec->bytes_for(kValues));
    CodecMemory memory;
    size_t used = 0;
    const double encode =
        bytes_per_second([&] { used = codec->encode(values, memory, random, message); });
    const double decode = bytes_per_second([&] {
      HEMIOLA_CHECK(codec->decode({message.data(), used}, decoded).empty());
    });
    speeds.push_back({text, encode, decode});
  }
  return speeds;
}

std::vector<CodecSpeed> modelled_codec_speeds() {
  return {{"bf16", 8e9, 12e9}, {"quantise(8)", 4e9, 8e9}, {"quantise(4)", 4e9, 8e9}};
}

}  // namespace hemiola

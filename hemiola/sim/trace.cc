#include "hemiola/sim/trace.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "hemiola/core/random.h"

namespace hemiola::sim {

void Trace::line(Instant at, NodeId node, std::string_view what, std::string_view rest) {
  if (!record_) return;
  char start[64];
  std::snprintf(start, sizeof start, "%14.3f  n%-3u  %-10.*s", static_cast<double>(at.ns) * 1e-3,
                node.value, static_cast<int>(what.size()), what.data());
  text_ += start;
  if (!rest.empty()) text_ += "  ";
  text_ += rest;
  while (text_.ends_with(' ')) text_.pop_back();
  text_ += '\n';
}

namespace {

// Both halves of the product, so that each bit of the word reaches all bits of the lane.
uint64_t stir(uint64_t lane, uint64_t word) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(lane ^ word) * 0x9fb21c651e98df25ULL;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace

// Four lanes, so that the multiplications of one do not wait for those of another.
uint64_t hash_of(std::span<const std::byte> bytes) {
  uint64_t lanes[4] = {mix(1), mix(2), mix(3), mix(bytes.size())};
  size_t at = 0;
  for (; at + 32 <= bytes.size(); at += 32) {
    uint64_t words[4];
    std::memcpy(words, bytes.data() + at, 32);
    for (int i = 0; i < 4; ++i) lanes[i] = stir(lanes[i], words[i]);
  }
  for (int i = 0; at < bytes.size(); at += 8, ++i) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min<size_t>(8, bytes.size() - at));
    lanes[i] = stir(lanes[i], word);
  }
  return mix(lanes[0] ^ mix(lanes[1] ^ mix(lanes[2] ^ mix(lanes[3]))));
}

}  // namespace hemiola::sim

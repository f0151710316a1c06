#include "hemiola/net/checksum.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace hemiola::net {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // Castagnoli, reflected
constexpr size_t kLanes = 4;

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? kPolynomial : 0);
    table[i] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kTable = make_table();

struct Portable {
  static uint32_t byte(uint32_t crc, uint8_t b) { return (crc >> 8) ^ kTable[(crc ^ b) & 255]; }
  static uint32_t word(uint32_t crc, uint64_t w) {
    for (int i = 0; i < 8; ++i) crc = byte(crc, static_cast<uint8_t>(w >> (8 * i)));
    return crc;
  }
};

uint64_t load(const std::byte* at) {
  uint64_t w;
  std::memcpy(&w, at, sizeof(w));
  return w;
}

uint32_t portable(const std::byte* at, size_t size) {
  uint32_t lanes[kLanes] = {static_cast<uint32_t>(size), 2, 3, 4};
  const bool one_lane = size < 8 * kLanes;
  for (; size >= 8 * kLanes; at += 8 * kLanes, size -= 8 * kLanes) {
    for (size_t i = 0; i < kLanes; ++i) lanes[i] = Portable::word(lanes[i], load(at + 8 * i));
  }
  for (; size >= 8; at += 8, size -= 8) lanes[0] = Portable::word(lanes[0], load(at));
  for (; size > 0; ++at, --size) lanes[0] = Portable::byte(lanes[0], static_cast<uint8_t>(*at));
  if (one_lane) return lanes[0];
  const uint32_t crc = Portable::word(0, lanes[0] | uint64_t{lanes[1]} << 32);
  return Portable::word(crc, lanes[2] | uint64_t{lanes[3]} << 32);
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t hardware(const std::byte* at, size_t size) {
  uint64_t a = static_cast<uint32_t>(size), b = 2, c = 3, d = 4;
  const bool one_lane = size < 8 * kLanes;
  for (; size >= 8 * kLanes; at += 8 * kLanes, size -= 8 * kLanes) {
    a = _mm_crc32_u64(a, load(at));
    b = _mm_crc32_u64(b, load(at + 8));
    c = _mm_crc32_u64(c, load(at + 16));
    d = _mm_crc32_u64(d, load(at + 24));
  }
  for (; size >= 8; at += 8, size -= 8) a = _mm_crc32_u64(a, load(at));
  for (; size > 0; ++at, --size) {
    a = _mm_crc32_u8(static_cast<uint32_t>(a), static_cast<uint8_t>(*at));
  }
  if (one_lane) return static_cast<uint32_t>(a);
  return static_cast<uint32_t>(_mm_crc32_u64(_mm_crc32_u64(0, a | b << 32), c | d << 32));
}
#endif

using Function = uint32_t (*)(const std::byte*, size_t);

Function choose() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return hardware;
#endif
  return portable;
}

const Function kChosen = choose();

}  // namespace

uint32_t checksum(std::span<const std::byte> bytes) { return kChosen(bytes.data(), bytes.size()); }

uint32_t checksum_portable(std::span<const std::byte> bytes) {
  return portable(bytes.data(), bytes.size());
}

}  // namespace hemiola::net

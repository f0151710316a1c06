// The checksum of a frame's body: CRC-32C over four interleaved lanes.
//
// Lane i takes the 8-byte words i, i + 4, i + 8, ... so that four hardware CRC instructions are
// in flight at once; the rest goes to lane 0, which starts from the length. The checksum is the
// CRC of the four lanes; below 32 bytes there is only lane 0. It is not the CRC-32C of the plain
// bytes, but detects the same errors within a lane.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace hemiola::net {

// The same value on every machine; uses the processor's instruction where there is one.
uint32_t checksum(std::span<const std::byte> bytes);

// The slow twin, also for processors without the instruction.
uint32_t checksum_portable(std::span<const std::byte> bytes);

}  // namespace hemiola::net

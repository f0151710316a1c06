// libFuzzer target for the two parsers that bytes from the network reach: the handshake (anyone)
// and the frames (an authenticated peer). Build with clang and -fsanitize=fuzzer,address.
// Checks what the headers promise: no frame larger than allowed, no read or write out of bounds,
// an error is for good.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "hemiola/core/check.h"
#include "hemiola/net/framing.h"
#include "hemiola/net/handshake.h"

namespace {

using namespace hemiola;
using namespace hemiola::net;

constexpr size_t kMaxFrame = 100'000;

void shake(const uint8_t* data, size_t size) {
  static const Identity identity{NodeId{1}, 3, "job", "secret"};
  for (const bool dialled : {false, true}) {
    auto handshake = dialled ? Handshake::dial(identity, NodeId{0}, false, Nonce{})
                             : Handshake::accept(identity, false, Nonce{});
    for (size_t at = 0; at + sizeof(Block) <= size; at += sizeof(Block)) {
      Block block;
      std::memcpy(&block, data + at, sizeof(Block));
      const auto outcome = handshake.on(block, false);
      HEMIOLA_CHECK(!outcome.done);
      if (outcome.failed) break;
    }
  }
}

// The first byte says how the stream is cut; with its lowest bit a valid frame is put around
// the rest, so that the fuzzer gets past the checksums.
void parse(const uint8_t* data, size_t size) {
  if (size < 1) return;
  const size_t step = 1 + size_t{data[0]} * data[0];
  std::vector<std::byte> stream;
  const auto rest = std::as_bytes(std::span(data + 1, size - 1));
  if (data[0] & 1) {
    const auto header = encode_header(Kind::pull, NodeId{0}, Epoch{1}, rest);
    stream.insert(stream.end(), header.begin(), header.end());
  }
  stream.insert(stream.end(), rest.begin(), rest.end());
  BytePool pool(kMaxFrame);
  FrameParser parser(NodeId{0}, NodeId{1}, kMaxFrame, pool);
  for (size_t at = 0; at < stream.size() && parser.error().empty();) {
    const auto space = parser.space();
    const size_t part = std::min({space[0].size(), stream.size() - at, step});
    HEMIOLA_CHECK(part > 0);
    std::memcpy(space[0].data(), stream.data() + at, part);
    parser.filled(part);
    at += part;
    while (const auto envelope = parser.next()) HEMIOLA_CHECK(envelope->body.size() <= kMaxFrame);
  }
  if (!parser.error().empty()) HEMIOLA_CHECK(!parser.next());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  shake(data, size);
  parse(data, size);
  return 0;
}

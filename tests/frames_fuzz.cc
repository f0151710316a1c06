// Bytes from an authenticated peer that lost its mind: the parser of frames must neither read past
// its buffers nor hold more than it says, and gives either messages or a reason.
#include <algorithm>
#include <cstring>

#include "hemiola/core/check.h"
#include "hemiola/net/framing.h"

namespace {

using namespace hemiola;

constexpr size_t kLargest = size_t{1} << 20;

// The input is a list of frames whose headers are right, so that the fuzzer gets behind the
// checks, or, with an odd first byte, the stream itself.
std::vector<std::byte> stream_of(std::span<const std::byte> input) {
  if (input.empty() || (input[0] & std::byte{1}) != std::byte{0}) {
    return {input.begin(), input.end()};
  }
  std::vector<std::byte> stream;
  while (!input.empty()) {
    const size_t size = std::min(input.size() - 1, static_cast<size_t>(input[0]) * 97);
    const auto body = input.subspan(1, size);
    const auto header = net::encode_header(Kind::pull, NodeId{1}, Epoch{1}, body);
    stream.insert(stream.end(), header.begin(), header.end());
    stream.insert(stream.end(), body.begin(), body.end());
    input = input.subspan(1 + size);
  }
  return stream;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto stream = stream_of(std::as_bytes(std::span(data, size)));
  std::span<const std::byte> rest = stream;
  net::FrameParser parser(NodeId{1}, NodeId{0}, kLargest);
  while (!rest.empty() && parser.error().empty()) {
    size_t took = 0;
    for (std::span<std::byte> space : parser.space()) {
      const size_t part = std::min({space.size(), rest.size(), size_t{1021}});
      if (part != 0) std::memcpy(space.data(), rest.data(), part);
      rest = rest.subspan(part);
      took += part;
      if (part < space.size()) break;
    }
    parser.filled(took);
    while (auto envelope = parser.next()) HEMIOLA_CHECK(envelope->body.size() <= kLargest);
  }
  return 0;
}

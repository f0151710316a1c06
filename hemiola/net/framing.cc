#include "hemiola/net/framing.h"

#include <algorithm>
#include <cstring>

#include "hemiola/core/check.h"
#include "hemiola/net/checksum.h"

namespace hemiola::net {
namespace {

constexpr uint16_t kMagic = 0x4d48;
constexpr size_t kCheckAt = 10;
// Less room than this at the end of a block is not worth a read.
constexpr size_t kMinRead = 16 << 10;

template <class T>
void put(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof(T));
}

template <class T>
T get(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

uint16_t header_check(std::span<const std::byte, kHeaderBytes> header) {
  std::array<std::byte, kHeaderBytes> copy;
  std::copy(header.begin(), header.end(), copy.begin());
  put<uint16_t>(copy.data() + kCheckAt, 0);
  const uint32_t sum = checksum(copy);
  return static_cast<uint16_t>(sum ^ (sum >> 16));
}

}  // namespace

std::array<std::byte, kHeaderBytes> encode_header(Kind kind, NodeId from, Epoch epoch,
                                                  std::span<const std::byte> body) {
  std::array<std::byte, kHeaderBytes> header{};
  std::byte* at = header.data();
  put(at, kMagic);
  put(at + 2, kWireVersion);
  put(at + 4, static_cast<uint32_t>(body.size()));
  put(at + 8, static_cast<uint16_t>(kind));
  put(at + 12, from.value);
  put(at + 16, epoch.value);
  put(at + 20, checksum(body));
  put(at + kCheckAt, header_check(header));
  return header;
}

// No slice of the block is alive. The copy makes what other threads read from their slices, before
// they let go of them, happen before we write.
bool FrameParser::block_is_ours() const {
  if (block_.use_count() != 1) return false;
  const auto acquire = block_;
  return true;
}

std::array<std::span<std::byte>, 2> FrameParser::space() {
  HEMIOLA_CHECK(error_.empty());
  if (!block_) block_ = std::make_shared_for_overwrite<std::byte[]>(kBlockBytes);
  const size_t waiting = end_ - begin_;
  if (waiting == 0 && end_ > 0 && block_is_ours()) begin_ = end_ = 0;
  if (kBlockBytes - end_ < kMinRead) {
    // What waits is part of one frame below kDirectBytes, so it fits with room to spare.
    auto fresh =
        block_is_ours() ? block_ : std::make_shared_for_overwrite<std::byte[]>(kBlockBytes);
    std::memmove(fresh.get(), block_.get() + begin_, waiting);
    block_ = std::move(fresh);
    begin_ = 0;
    end_ = waiting;
  }
  const std::span<std::byte> rest(block_.get() + end_, kBlockBytes - end_);
  if (!direct_) return {rest, std::span<std::byte>()};
  return {direct_->span().subspan(direct_filled_), rest};
}

void FrameParser::filled(size_t bytes) {
  if (direct_) {
    const size_t mine = std::min(bytes, direct_->size() - direct_filled_);
    direct_filled_ += mine;
    bytes -= mine;
  }
  HEMIOLA_CHECK(bytes <= kBlockBytes - end_);
  end_ += bytes;
}

bool FrameParser::parse_header(const std::byte* at, FrameHeader& header) {
  const std::span<const std::byte, kHeaderBytes> whole(at, kHeaderBytes);
  if (get<uint16_t>(at) != kMagic || get<uint16_t>(at + kCheckAt) != header_check(whole)) {
    fail("it sent bytes that are no frame");
    return false;
  }
  if (get<uint16_t>(at + 2) != kWireVersion) {
    fail("it sent a frame of wire version " + std::to_string(get<uint16_t>(at + 2)) +
         ", this node speaks " + std::to_string(kWireVersion));
    return false;
  }
  header.length = get<uint32_t>(at + 4);
  header.kind = static_cast<Kind>(get<uint16_t>(at + 8));
  header.from = NodeId{get<uint32_t>(at + 12)};
  header.epoch = Epoch{get<uint32_t>(at + 16)};
  header.checksum = get<uint32_t>(at + 20);
  if (header.from != peer_) {
    fail("it sent a frame in the name of node " + std::to_string(header.from.value));
    return false;
  }
  if (header.length > max_frame_bytes_) {
    fail("it sent a frame of " + std::to_string(header.length) + " bytes, allowed are " +
         std::to_string(max_frame_bytes_));
    return false;
  }
  return true;
}

std::optional<Envelope> FrameParser::finish(const FrameHeader& header, Bytes body) {
  if (checksum(body.span()) != header.checksum) {
    fail("a frame arrived damaged (its checksum is wrong)");
    return std::nullopt;
  }
  return Envelope{header.from, self_, header.epoch, header.kind, std::move(body)};
}

std::optional<Envelope> FrameParser::next() {
  if (!error_.empty()) return std::nullopt;
  if (direct_) {
    if (direct_filled_ < direct_->size()) return std::nullopt;
    Bytes body = std::move(*direct_).freeze();
    direct_.reset();
    return finish(direct_header_, std::move(body));
  }
  const size_t waiting = end_ - begin_;
  if (waiting < kHeaderBytes) return std::nullopt;
  FrameHeader header;
  if (!parse_header(block_.get() + begin_, header)) return std::nullopt;
  const size_t body_at = begin_ + kHeaderBytes;
  const size_t here = waiting - kHeaderBytes;
  if (here >= header.length) {
    begin_ = body_at + header.length;
    if (header.length == 0) return finish(header, Bytes());
    return finish(header, Bytes(block_, body_at, header.length));
  }
  if (header.length <= kDirectBytes) return std::nullopt;
  direct_.emplace(pool_.get(header.length));
  std::memcpy(direct_->data(), block_.get() + body_at, here);
  direct_filled_ = here;
  direct_header_ = header;
  begin_ = end_;
  return std::nullopt;
}

}  // namespace hemiola::net

// The frame: how a message looks on a link, and the parser that takes a stream apart again.
//
//   0  u16 magic "HM"     2  u16 wire version   4  u32 length of the body   8  u16 kind
//  10  u16 header check  12  u32 sender        16  u32 epoch               20  u32 checksum of body
//
// All little-endian. The header check (over the other 22 bytes) tells garbage and a slipped
// stream at once, before the length is believed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "hemiola/core/byte_pool.h"
#include "hemiola/core/message.h"

namespace hemiola::net {

inline constexpr size_t kHeaderBytes = 24;

struct FrameHeader {
  uint32_t length = 0;
  Kind kind{};
  NodeId from;
  Epoch epoch;
  uint32_t checksum = 0;
};

// With the checksum of the body.
std::array<std::byte, kHeaderBytes> encode_header(Kind kind, NodeId from, Epoch epoch,
                                                  std::span<const std::byte> body);

// Takes apart what one authenticated peer sends. Memory: one block of 64 KB, plus one body that
// is still arriving and is at most max_frame_bytes long. Bodies above kDirectBytes are received
// straight into their final place; smaller ones are slices of the block, which is left to them
// and replaced when it is full.
class FrameParser {
 public:
  static constexpr size_t kBlockBytes = 64 << 10;
  static constexpr size_t kDirectBytes = 16 << 10;

  // `pool`, for bodies that are received in place, outlives the parser.
  FrameParser(NodeId peer, NodeId self, size_t max_frame_bytes, BytePool& pool)
      : peer_(peer), self_(self), max_frame_bytes_(max_frame_bytes), pool_(pool) {}

  // Where the next bytes of the stream belong, in order; the second part may be empty.
  // May be asked again only after next() gave nothing. REQUIRES: error().empty().
  std::array<std::span<std::byte>, 2> space();
  void filled(size_t bytes);

  // The next whole message, or none: then more bytes are needed, or error() says what is wrong
  // with the stream, for good.
  std::optional<Envelope> next();
  const std::string& error() const { return error_; }

 private:
  std::optional<Envelope> finish(const FrameHeader& header, Bytes body);
  bool parse_header(const std::byte* at, FrameHeader& header);
  bool block_is_ours() const;
  void fail(std::string why) { error_ = std::move(why); }

  NodeId peer_;
  NodeId self_;
  size_t max_frame_bytes_;
  BytePool& pool_;
  std::string error_;

  // The stream's bytes that wait to be parsed: block_[begin_, end_). Bytes before begin_ belong
  // to the bodies that were sliced off and are never written again while those live.
  std::shared_ptr<std::byte[]> block_;
  size_t begin_ = 0;
  size_t end_ = 0;

  // A body that is received in place; while there is one, begin_ == end_ until it is whole.
  std::optional<MutableBytes> direct_;
  size_t direct_filled_ = 0;
  FrameHeader direct_header_;
};

}  // namespace hemiola::net

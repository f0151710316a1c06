// What waits to be sent over one link: small frames gathered in one buffer, large bodies by
// reference, in order.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "hemiola/core/bytes.h"

namespace hemiola::net {

class SendQueue {
 public:
  static constexpr size_t kChunkBytes = 64 << 10;
  // A body from this size on is not copied: a reference costs about as much as this copy.
  static constexpr size_t kShareFrom = 4 << 10;

  void add(std::span<const std::byte> header, const Bytes& body);

  // The first bytes of the queue, for one gathered write; gives the number of parts.
  size_t parts(std::span<iovec> into) const;
  // The first `bytes` bytes were sent.
  void sent(size_t bytes);

  size_t bytes() const { return bytes_; }
  bool empty() const { return bytes_ == 0; }

 private:
  struct Piece {
    Bytes hold;  // keeps the memory alive
    const std::byte* data;
    size_t size;
  };

  // Copies into the current chunk; REQUIRES: size <= kChunkBytes.
  void gather(std::span<const std::byte> bytes);

  std::vector<Piece> pieces_;
  size_t first_ = 0;  // pieces before it are sent
  size_t bytes_ = 0;

  // Invariant: bytes of the chunk from chunk_used_ on are referred to by no piece.
  std::shared_ptr<std::byte[]> chunk_;
  size_t chunk_used_ = 0;
};

}  // namespace hemiola::net

#include "hemiola/net/send_queue.h"

#include <algorithm>
#include <cstring>

#include "hemiola/core/check.h"

namespace hemiola::net {

void SendQueue::add(std::span<const std::byte> header, const Bytes& body) {
  gather(header);
  if (body.empty()) return;
  if (body.size() < kShareFrom) {
    gather(body.span());
  } else {
    pieces_.push_back({body, body.data(), body.size()});
    bytes_ += body.size();
  }
}

void SendQueue::gather(std::span<const std::byte> bytes) {
  HEMIOLA_CHECK(bytes.size() <= kChunkBytes);
  if (!chunk_ || chunk_used_ + bytes.size() > kChunkBytes) {
    chunk_ = std::make_shared_for_overwrite<std::byte[]>(kChunkBytes);
    chunk_used_ = 0;
  }
  std::byte* at = chunk_.get() + chunk_used_;
  std::memcpy(at, bytes.data(), bytes.size());
  chunk_used_ += bytes.size();
  bytes_ += bytes.size();
  if (first_ < pieces_.size() && pieces_.back().data + pieces_.back().size == at) {
    pieces_.back().size += bytes.size();
  } else {
    pieces_.push_back({Bytes(chunk_, 0, kChunkBytes), at, bytes.size()});
  }
}

size_t SendQueue::parts(std::span<iovec> into) const {
  const size_t count = std::min(into.size(), pieces_.size() - first_);
  for (size_t i = 0; i < count; ++i) {
    const Piece& piece = pieces_[first_ + i];
    into[i] = {const_cast<std::byte*>(piece.data), piece.size};
  }
  return count;
}

void SendQueue::sent(size_t bytes) {
  HEMIOLA_CHECK(bytes <= bytes_);
  bytes_ -= bytes;
  while (bytes > 0) {
    Piece& piece = pieces_[first_];
    const size_t part = std::min(bytes, piece.size);
    piece.data += part;
    piece.size -= part;
    bytes -= part;
    if (piece.size == 0) {
      piece.hold = Bytes();
      ++first_;
    }
  }
  if (bytes_ == 0) {
    pieces_.clear();
    first_ = 0;
    chunk_used_ = 0;
  } else if (first_ > 1024 && first_ * 2 > pieces_.size()) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<ptrdiff_t>(first_));
    first_ = 0;
  }
}

}  // namespace hemiola::net

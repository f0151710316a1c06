// Large blocks for messages, used again once no message refers to them. A fresh block costs a page
// fault for each 4 KB of it, several times what filling it costs.
//
// Thread safety: one thread at a time. Messages made of the blocks may go where they like, and are
// let go of in any thread.
#pragma once

#include <memory>
#include <vector>

#include "hemiola/core/bytes.h"

namespace hemiola {

class BytePool {
 public:
  // Blocks are kept up to `keep_bytes` in all; what is asked for beyond lives as long as its
  // messages do.
  explicit BytePool(size_t keep_bytes) : keep_bytes_(keep_bytes) {}

  MutableBytes get(size_t size) {
    for (size_t i = 0; i < blocks_.size(); ++i) {
      next_ = next_ + 1 < blocks_.size() ? next_ + 1 : 0;
      const Block& block = blocks_[next_];
      if (block.size < size || block.size / 4 > size || block.memory.use_count() != 1) continue;
      // What other threads read from the last messages happens before they are written over.
      const auto acquire = block.memory;
      return MutableBytes(block.memory, size);
    }
    const size_t rounded = (size + kRound - 1) / kRound * kRound;
    if (kept_bytes_ + rounded > keep_bytes_) drop_unused();
    if (kept_bytes_ + rounded > keep_bytes_) return MutableBytes(size);
    kept_bytes_ += rounded;
    blocks_.push_back({std::make_shared_for_overwrite<std::byte[]>(rounded), rounded});
    return MutableBytes(blocks_.back().memory, size);
  }

  size_t kept_bytes() const { return kept_bytes_; }

 private:
  static constexpr size_t kRound = 4 << 10;

  struct Block {
    std::shared_ptr<std::byte[]> memory;
    size_t size = 0;
  };

  // Blocks of sizes that are asked for no more make room for others.
  void drop_unused() {
    std::erase_if(blocks_, [this](const Block& block) {
      if (block.memory.use_count() != 1) return false;
      kept_bytes_ -= block.size;
      return true;
    });
  }

  size_t keep_bytes_;
  size_t kept_bytes_ = 0;
  size_t next_ = 0;  // where the last block was found: the next is probably free
  std::vector<Block> blocks_;
};

}  // namespace hemiola

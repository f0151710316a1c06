// Static placement: which node owns a key, a pure function of the number of nodes.
#pragma once

#include "hemiola/core/types.h"

namespace hemiola {

// Keys are dealt out in turn, so that a hot head of small keys is spread over all nodes.
// Division by a fixed number of nodes is a multiplication (Lemire, Kaser, Kurz, "Faster
// remainder by direct computation", 2019; exact for 32-bit numbers).
class Partition {
 public:
  Partition(uint32_t rows, uint32_t nodes)
      : rows_(rows), nodes_(nodes), inverse_(nodes > 1 ? UINT64_MAX / nodes + 1 : 0) {}

  uint32_t rows() const { return rows_; }
  uint32_t nodes() const { return nodes_; }

  NodeId owner(Key key) const {
    if (nodes_ == 1) return NodeId{0};
    const uint64_t fraction = inverse_ * key.value;
    return NodeId{static_cast<uint32_t>((static_cast<Wide>(fraction) * nodes_) >> 64)};
  }

  // Place of the key among its owner's rows.
  uint32_t index(Key key) const {
    if (nodes_ == 1) return key.value;
    return static_cast<uint32_t>((static_cast<Wide>(inverse_) * key.value) >> 64);
  }

  Key key(NodeId owner, uint32_t index) const { return Key{index * nodes_ + owner.value}; }

  // Nothing is owned by those that leave.
  uint32_t owned_by(NodeId node) const {
    if (node.value >= nodes_) return 0;
    return rows_ / nodes_ + (node.value < rows_ % nodes_ ? 1 : 0);
  }

 private:
  __extension__ typedef unsigned __int128 Wide;

  uint32_t rows_;
  uint32_t nodes_;
  uint64_t inverse_;
};

}  // namespace hemiola

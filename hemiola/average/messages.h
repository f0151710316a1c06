// What the average machine's messages begin with. What follows is told by the one who sends them.
#pragma once

#include <optional>

#include "hemiola/core/wire.h"

namespace hemiola {

// Floats behind a head: the rest of the body.
std::span<const float> floats_behind(Reader& reader);

// A body of `head` and room for `count` floats, which `fill(float*)` writes.
template <Packed Head, class Fill>
Bytes with_floats(const Head& head, size_t count, Fill&& fill) {
  static_assert(sizeof(Head) % sizeof(float) == 0);
  MutableBytes body(sizeof(Head) + count * sizeof(float));
  std::memcpy(body.data(), &head, sizeof(Head));
  fill(reinterpret_cast<float*>(body.data() + sizeof(Head)));
  return std::move(body).freeze();
}

template <Packed Head>
Bytes with_floats(const Head& head, std::span<const float> floats) {
  return with_floats(head, floats.size(), [&](float* to) {
    if (!floats.empty()) std::memcpy(to, floats.data(), floats.size_bytes());
  });
}

// rested: the worker has no work left in pass `pass`, and nothing under way.
struct RestedHead {
  uint32_t pass = 0;
  WorkerId worker;
};

// part: a node's part of a piece of a sum, to the piece's owner; no floats: it has none.
// total: the piece of the mean, from its owner to all.
struct PieceHead {
  uint32_t lane = 0;  // which of a node's sums
  uint32_t round = 0;
  uint32_t piece = 0;
  uint32_t zero = 0;
  double weight = 0;  // part: of the node; total: of all
};

// Between two workers: mix, skip, done, propose, accept, ...
struct PeerHead {
  WorkerId from;
  WorkerId to;
  uint32_t round = 0;  // or the number of an exchange
  uint32_t extra = 0;
};

}  // namespace hemiola

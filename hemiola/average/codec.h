// Codecs: fewer bytes for a vector of floats, at the price of an error that is known.
//
// A codec is a value without state, used from any thread; what an encoder must remember stands in a
// CodecMemory. Both ends know the length of the vector and the codec, so neither is in the message.
// For one seed the bytes are the same on every machine, whatever its instruction set, and so are
// the decoded floats: replicas that decode the same messages stay equal bit by bit.
//
// What is not finite is not hidden: it decodes to something that is not finite, together with its
// bucket (quantise, sign) or matrix (lowrank). Decoding believes nothing: a message of the wrong
// size or with places outside of the vector is refused, and changes nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hemiola/core/random.h"
#include "hemiola/core/wire.h"

namespace hemiola {

// What an encoder remembers from one message to the next: one for each link or replica, always for
// vectors of the same length. Part of a checkpoint.
struct CodecMemory {
  std::vector<float> warm;  // lowrank: the last right factors
};

// Why a message was refused; empty when it was not.
using Refusal = std::string_view;

class Codec {
 public:
  virtual ~Codec() = default;

  // Writes a message of at most bytes_for(x.size()) bytes; returns its size. REQUIRES: that much
  // room in `out`.
  virtual size_t encode(std::span<const float> x, CodecMemory& memory, Random& random,
                        std::span<std::byte> out) const = 0;

  // Replaces `out`, which has the length of the vector.
  [[nodiscard]] virtual Refusal decode(std::span<const std::byte> message,
                                       std::span<float> out) const = 0;
  // out += weight * vector; the same floats as with the result of decode().
  [[nodiscard]] virtual Refusal decode_add(std::span<const std::byte> message, float weight,
                                           std::span<float> out) const = 0;

  // The largest message for a vector of n.
  virtual size_t bytes_for(size_t n) const = 0;
  // The squared length of the error, for an unbiased codec its mean, is at most this times the
  // squared length of a vector of n.
  virtual double error_bound(size_t n) const = 0;
  // Whether the mean of what is decoded differs from what was encoded. Sums then need error
  // feedback.
  virtual bool biased() const = 0;
  // As make_codec reads it.
  virtual std::string text() const = 0;
};

// A matrix within a flat vector, for lowrank: rows one after the other.
struct MatrixShape {
  size_t rows = 0;
  size_t columns = 0;
};

// none, bf16, quantise(BITS), quantise(BITS, BUCKET), topk(SHARE), sign, lowrank(RANK). Throws
// UserError that names them. `shapes` tell lowrank how vectors of their total size are cut; others
// are cut nearly square.
std::unique_ptr<const Codec> make_codec(std::string_view text,
                                        std::vector<MatrixShape> shapes = {});

// Appends a message to `out` and returns its size.
size_t encode_to(Writer& out, const Codec& codec, std::span<const float> x, CodecMemory& memory,
                 Random& random);

}  // namespace hemiola

// Values between two workers by difference coding: Koloskova, Stich, Jaggi: Decentralized
// Stochastic Optimization and Gossip Algorithms with Compressed Communication (ICML 2019; CHOCO);
// Richtarik, Sokolov, Fatkhullin: EF21 (NeurIPS 2021).
//
// Both ends of a link keep a public copy of each end's values. A worker sends C(values - its copy),
// and both add what that decodes to. Whoever mixes uses copies on both sides, so that what one end
// gains is to the bit what the other loses, whatever the codec leaves out; that stays in the
// difference, to be sent later.
//
// The decoded difference q of d is scaled by d.q / q.q, which brings the copy nearer under every
// codec, biased or not; with it comes a share s of |d|^2. A mix is weighed by agreement(), s^2 of
// the worse of the two ways: what is known late is traded again and again until it is known, and
// overshoots (with s alone, topk(0.1) diverges on a complete graph of six). Both are measured for
// each message and sent with it, so there is nothing to tune.
//
// Messages of a link are numbered, and added once, in order, when the strategy says so.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "hemiola/average/codec.h"
#include "hemiola/average/strategy.h"

namespace hemiola {

// What the links of a node share. Its owner's thread only.
struct LinkBasis {
  std::unique_ptr<const Codec> codec;
  std::vector<float> start;  // all workers': the copies begin with it
  uint64_t seed = 1;

  std::vector<float> change, decoded;  // of the message that is being encoded
};

// Of the crew's codec; none where no values are encoded. REQUIRES: the run has not begun.
std::unique_ptr<LinkBasis> link_basis(Crew& crew);

// One end of the link between two workers. No memory is taken before the first message.
class LinkCopies {
 public:
  // `basis` must live as long.
  LinkCopies(LinkBasis& basis, WorkerId own, WorkerId peer);

  // Appends the next message to the peer and moves the copy of `values` on.
  void encode(std::span<const float> values, Writer& out);

  // Checks a message of the peer and keeps it until it is taken; one that was there is ignored.
  [[nodiscard]] Refusal hold(std::span<const std::byte> message);
  // Adds all held messages up to this one. False, and nothing is changed, if it was taken before or
  // one before it is missing.
  [[nodiscard]] bool take(std::span<const std::byte> message);

  size_t bytes_for_message() const;  // at most

  uint32_t taken() const { return taken_; }
  static uint32_t number_of(std::span<const std::byte> message);  // from 1; 0: it has none

  // As after the last encode() and take(). REQUIRES: there was one of either.
  std::span<const float> mine() const { return mine_; }
  std::span<const float> theirs() const { return theirs_; }
  // From 0 to 1: which share of the difference came over with the last encode().
  float share_sent() const { return my_share_; }
  // From 0 to 1; the same at both ends when both stand at the same messages.
  float agreement() const {
    const float share = std::min(my_share_, their_share_);
    return share * share;
  }

 private:
  // How far ahead of the last one taken a message may be.
  static constexpr uint32_t kMostHeld = 1000;

  struct Held {
    std::vector<float> decoded;
    float scale = 1, share = 1;
  };

  LinkBasis* basis_;
  std::vector<float> mine_, theirs_;
  CodecMemory memory_;
  Random random_;
  uint32_t sent_ = 0, taken_ = 0;  // messages
  float my_share_ = 1, their_share_ = 1;
  // Invariant: all are numbered above taken_.
  std::map<uint32_t, Held> held_;
};

}  // namespace hemiola

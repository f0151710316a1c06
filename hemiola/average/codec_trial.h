// compress=auto at run time, for means of all: some rounds of floats are timed, then all nodes
// agree on what they took and on how fast their encoders are, and by that on a codec or none
// (auto_codec). A codec is then tried for as many rounds and kept only if they took a tenth less;
// so what is decided in the end is not slower than floats, whatever was guessed.
//
// A node that begins a round early waits for others' computing too, and one that begins last does
// not: so the least of all nodes' times is what the exchange itself costs everybody.
//
// All nodes put their numbers into one exact mean, of a lane of its own, and decide by its bits.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "hemiola/average/auto_codec.h"
#include "hemiola/average/reduction.h"

namespace hemiola {

class CodecTrial {
 public:
  static constexpr uint32_t kLane = 3;
  static constexpr uint32_t kSkipped = 2;  // rounds: buffers are made in them
  static constexpr uint32_t kTimed = 9;    // rounds after these
  static constexpr double kWorthIt = 0.9;  // of the time of floats
  static constexpr uint32_t kRounds = kSkipped + kTimed;

  // `speeds`: of the codecs that may be chosen, on this node; the same ones on all.
  CodecTrial(const Place& place, size_t values, std::vector<CodecSpeed> speeds);

  // The next round that ends is the last before all agree.
  bool is_last_round() const { return !settled_ && rounds_ + 1 == kRounds; }
  // A round took so long on this node. REQUIRES: !busy().
  void round_took(Duration time, Outbox& out);
  // All agree: no round may begin.
  bool busy() const { return agreement_.busy(); }
  // Of kLane. True when codec() was decided on.
  bool on_message(const Envelope& message, Outbox& out);
  void up_again(NodeId peer, Outbox& out) { agreement_.up_again(peer, out); }

  const std::string& codec() const { return codec_; }
  const std::string& reason() const { return reason_; }
  bool settled() const { return settled_; }

 private:
  void decide();
  double least_over_nodes(size_t number) const;
  double round_seconds() const;

  const Place place_;
  const size_t values_;
  const std::vector<CodecSpeed> speeds_;
  Reduction agreement_;
  std::vector<float> numbers_;  // by node: times of rounds, speeds of codecs in GB/s
  uint32_t rounds_ = 0;         // since the last decision
  std::vector<float> times_;
  std::string codec_ = "none", reason_;
  double dense_seconds_ = 0;
  bool settled_ = false;
};

}  // namespace hemiola

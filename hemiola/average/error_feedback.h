// What a codec did not send is sent later: the memory of a biased codec, one for each link or
// replica. Seide, Fu, Droppo, Li, Yu: 1-Bit Stochastic Gradient Descent (Interspeech 2014);
// Karimireddy, Rebjock, Stich, Jaggi: Error Feedback Fixes SignSGD (ICML 2019), algorithm 2.
#pragma once

#include <string>

#include "hemiola/average/codec.h"
#include "hemiola/average/state_fields.h"

namespace hemiola {

// Invariant, up to rounding: the sum of all that was decoded plus residual() is the sum of all that
// was given. So a residual that is lost is lost progress: a change of the view takes it back into
// the values, and a checkpoint holds it with the memory.
class ErrorFeedback {
 public:
  // `codec` must live as long. Works for unbiased codecs too, and is of no use there.
  explicit ErrorFeedback(const Codec& codec) : codec_(&codec) {}

  // As Codec::encode of x plus the residual; keeps what its receivers will lack. All x have the
  // same length.
  size_t encode(std::span<const float> x, Random& random, std::span<std::byte> out);

  // Adds `times` the residual to x and forgets it. `unsent`: that from before the last message,
  // which never arrived.
  void take_back(std::span<float> x, float times, bool unsent);

  // Empty before the first message.
  std::span<const float> residual() const { return residual_; }
  const CodecMemory& memory() const { return memory_; }

  // What a checkpoint held.
  void restore(std::vector<float> residual, CodecMemory memory);
  // The same field by field, for those who save and those who load; `name` begins their names.
  void state(const std::string& name, StateFields& fields);

 private:
  const Codec* codec_;
  std::vector<float> residual_, before_;
  CodecMemory memory_;
};

}  // namespace hemiola

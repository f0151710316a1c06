// checkpoint.every: how often a checkpoint is taken.
#pragma once

#include <cstdint>
#include <string>

namespace hemiola {

struct CheckpointEvery {
  uint32_t epochs = 0;  // 0: not by epochs
  double seconds = 0;   // 0: not by time

  bool never() const { return epochs == 0 && seconds == 0; }
  friend bool operator==(const CheckpointEvery&, const CheckpointEvery&) = default;
};

// "none", "1 epoch", "3 epochs", "30 s", "10 min", "2 h"; a bare number is one of epochs. Throws
// UserError that lists these.
CheckpointEvery parse_every(const std::string& text);

}  // namespace hemiola

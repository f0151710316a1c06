// What happened, as one number that two runs can be compared by, and as text when asked for.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "hemiola/core/types.h"

namespace hemiola::sim {

class Trace {
 public:
  explicit Trace(bool record) : record_(record) {}

  // Every word and its place in the sequence count.
  void note(uint64_t word) { hash_ = (hash_ ^ word) * 0x9fb21c651e98df25ULL, hash_ ^= hash_ >> 32; }
  // A line of text in fixed columns: time in microseconds, node, what, and the rest.
  void line(Instant at, NodeId node, std::string_view what, std::string_view rest);

  bool recording() const { return record_; }
  uint64_t hash() const { return hash_; }
  const std::string& text() const { return text_; }

 private:
  bool record_;
  uint64_t hash_ = 0;
  std::string text_;
};

// The same 64 bits for the same bytes; several bytes to the nanosecond.
uint64_t hash_of(std::span<const std::byte> bytes);

}  // namespace hemiola::sim

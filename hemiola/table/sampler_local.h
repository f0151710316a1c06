// Rule local: draws from the distribution restricted to the rows that are here. Nothing is
// prepared.
//
// Mostly by rejection: draw, and draw again until the row is here. When that takes more than about
// kTries draws for one, an alias table over the keys that are here (the index) serves instead; a
// draw of it whose row has left is rejected. Rejection is exact at all times. The index is exact
// among the rows that were here when it was built and still are: rows that come later are drawn
// from the next one. It is built again when too many of its draws are rejected, and after half as
// many draws as the distribution has keys, so that all of its builds cost some nanoseconds a draw.
// When nothing is here draws are independent.
#pragma once

#include <array>
#include <optional>

#include "hemiola/table/sampler.h"

namespace hemiola {

class LocalSampler final : public Sampler {
 public:
  LocalSampler(TableId table, const Distribution& distribution, uint64_t seed, SampledRows& rows);

  void prepare(Announcement&, Clock, Clock) override {}
  void draw(Announcement& announcement, std::span<Key> keys) override;

  enum class Way : uint8_t { rejection, index, nothing_here };
  Way way() const { return way_; }
  uint64_t builds() const { return builds_; }

 private:
  static constexpr size_t kBatch = 64;
  static constexpr uint64_t kTries = 8;
  static constexpr uint64_t kWindow = 1024;  // recent draws by which the rejected are judged

  struct Share {
    uint64_t tried = 0, accepted = 0;
    void add(uint64_t t, uint64_t a);
    bool below_one_in(uint64_t n) const;
  };

  size_t draw_rejecting(std::span<Key> keys);
  size_t draw_from_index(std::span<Key> keys);
  size_t draw_anyway(std::span<Key> keys);
  size_t keep_those_here(size_t tried, std::span<Key> keys);
  void build_index();

  const TableId table_;
  const Distribution& distribution_;
  SampledRows& rows_;
  Random random_;
  Way way_ = Way::rejection;
  Share share_;              // of recent draws, in the present way
  uint64_t rejected_ = 0;    // in this spell of rejection
  uint64_t index_uses_ = 0;  // draws that the index is still good for
  uint64_t builds_ = 0;
  std::vector<Key> index_keys_;
  std::optional<Distribution> index_;  // over places in index_keys_
  std::array<Key, kBatch> candidates_;
  std::array<uint8_t, kBatch> here_{};
};

}  // namespace hemiola

// The numbers that must not be mixed up: each has a type of its own.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <limits>

namespace hemiola {

// An integer with a name. Two kinds neither convert nor compare with each other.
template <class Tag, class Rep>
struct Id {
  using Value = Rep;

  Rep value{};

  constexpr Id() = default;
  constexpr explicit Id(Rep v) : value(v) {}

  friend constexpr bool operator==(Id, Id) = default;
  friend constexpr auto operator<=>(Id, Id) = default;
};

using NodeId = Id<struct NodeTag, uint32_t>;        // rank of a node process, 0 .. nodes-1
using WorkerId = Id<struct WorkerTag, uint32_t>;    // index of a worker in the whole job
using TableId = Id<struct TableTag, uint32_t>;      // index in the job's list of tables
using Key = Id<struct KeyTag, uint32_t>;            // row of a table, dense from 0
using Epoch = Id<struct EpochTag, uint32_t>;        // number of the cluster's view
using BatchSeq = Id<struct BatchSeqTag, uint32_t>;  // numbers one node's batches to one owner

// A worker's count of ticks. kClockNever means "at a barrier: holds nobody back".
using Clock = Id<struct ClockTag, int32_t>;
inline constexpr Clock kClockNever{std::numeric_limits<int32_t>::max()};

constexpr Clock operator+(Clock c, int32_t n) { return Clock{c.value + n}; }

// Spans and points of time in nanoseconds; an Instant counts from the driver's start.
struct Duration {
  int64_t ns = 0;

  friend constexpr auto operator<=>(Duration, Duration) = default;
  constexpr double seconds() const { return static_cast<double>(ns) * 1e-9; }
};

struct Instant {
  int64_t ns = 0;

  friend constexpr auto operator<=>(Instant, Instant) = default;
};

constexpr Duration nanoseconds(int64_t n) { return {n}; }
constexpr Duration microseconds(int64_t n) { return {n * 1'000}; }
constexpr Duration milliseconds(int64_t n) { return {n * 1'000'000}; }
constexpr Duration seconds(double n) { return {static_cast<int64_t>(n * 1e9)}; }

constexpr Duration operator+(Duration a, Duration b) { return {a.ns + b.ns}; }
constexpr Duration operator-(Duration a, Duration b) { return {a.ns - b.ns}; }
constexpr Duration operator-(Instant a, Instant b) { return {a.ns - b.ns}; }
constexpr Instant operator+(Instant a, Duration d) { return {a.ns + d.ns}; }

}  // namespace hemiola

template <class Tag, class Rep>
struct std::hash<hemiola::Id<Tag, Rep>> {
  size_t operator()(hemiola::Id<Tag, Rep> id) const { return std::hash<Rep>{}(id.value); }
};

// Placement: who owns a row and who holds copies of it, and when that changes.
//
// One mechanism, five settings. A row has one owner; a node that says it will need a row (intend)
// either becomes its owner or gets a copy that is kept up to date while the intent lasts. The
// owner decides, by the placement:
//
//   static      rows stay where their key says; copies come and go with reads
//   relocate    the row moves to the last one who said so (Lapse)
//   replicate   rows stay, and everyone holds a copy of the hottest (all, or the N hottest)
//   nups        everyone holds the hottest; the others move (NuPS)
//   intent      one node wants it: it moves there; several do: copies while they do (AdaPM)
//
// Sources: Renz-Wieland et al., "Dynamic Parameter Allocation in Parameter Servers", VLDB 2020;
// "NuPS", SIGMOD 2022; "Good Intentions: Adaptive Parameter Management via Intent Signaling",
// CIKM 2023.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hemiola {

struct Placement {
  enum class Kind : uint8_t { fixed, relocate, replicate, nups, intent };
  static constexpr uint32_t kAll = UINT32_MAX;
  static constexpr uint32_t kCounted = 0;

  Kind kind = Kind::fixed;
  // replicate, nups: how many rows everyone holds; kCounted: those that are used far more often
  // than others.
  uint32_t hot = kCounted;

  // Rows may change their owner.
  bool moves() const {
    return kind == Kind::relocate || kind == Kind::nups || kind == Kind::intent;
  }
  // Some rows are held by everyone.
  bool replicates() const { return kind == Kind::replicate || kind == Kind::nups; }
  // Anything but static: intents are acted on.
  bool adapts() const { return kind != Kind::fixed; }

  std::string name() const;  // "static", "replicate", "replicate(100)", "nups", "nups(100)", ...
  friend bool operator==(const Placement&, const Placement&) = default;
};

// Reads "static", "relocate", "replicate", "replicate(N)", "nups", "nups(N)", "intent"; throws
// UserError that lists them.
Placement parse_placement(std::string_view text);

}  // namespace hemiola

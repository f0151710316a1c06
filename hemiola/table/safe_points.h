// Points in what the workers of a node have changed, and which of them are safe: all that was
// changed before a safe point is on another node too, so that the death of this one does not lose
// it. Of rows that are owned here their backups have it, of others their owners, and the backups of
// those.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "hemiola/table/backups.h"
#include "hemiola/table/holder.h"
#include "hemiola/table/keeper.h"
#include "hemiola/table/owner.h"

namespace hemiola {

class SafePoints {
 public:
  struct Parts {
    const Owner& owner;
    const Holder& holder;
    const Keeper& keeper;
    const Backups& backups;
  };
  SafePoints(TableSet& tables, const Parts& parts) : tables_(tables), parts_(parts) {}

  // The point that is now; its changes have left the workers. waited_for: by a worker, so it is to
  // be safe soon.
  uint64_t add(bool waited_for);
  // Publishes the latest safe point, if there is a new one.
  bool advance();

  bool safe(uint64_t point) const { return point <= safe_; }
  // Somebody waits for a point that is not safe.
  bool waited_for() const { return waited_for_ > safe_; }
  // What the oldest point that is not safe waits for.
  std::string why() const;

 private:
  struct Point {
    uint64_t number = 0;
    uint32_t batch = 0;             // Keeper::batches()
    std::vector<uint32_t> batches;  // Holder::last_batches()
    // Set once all of it is in rows or with their owners.
    bool in = false;
    uint64_t sweep = 0;
    uint64_t gift = 0;
  };

  bool is_in(const Point& point) const;
  bool is_safe(Point& point);

  TableSet& tables_;
  Parts parts_;
  std::deque<Point> points_;  // that are not safe
  uint64_t last_ = 0;
  uint64_t safe_ = 0;
  uint64_t waited_for_ = 0;
};

}  // namespace hemiola

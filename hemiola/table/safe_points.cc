#include "hemiola/table/safe_points.h"

namespace hemiola {

uint64_t SafePoints::add(bool waited_for) {
  points_.push_back({++last_, parts_.keeper.batches(), parts_.holder.last_batches()});
  if (waited_for) waited_for_ = last_;
  return last_;
}

bool SafePoints::is_in(const Point& point) const {
  const uint32_t own = point.batches[tables_.place().self.value];
  return parts_.keeper.settled(point.batch) && !parts_.owner.holds_back_own(own);
}

bool SafePoints::is_safe(Point& point) {
  if (!point.in) {
    if (!is_in(point)) return false;
    point.in = true;
    point.sweep = parts_.backups.sweep_of_now();
    point.gift = parts_.keeper.last_gift();
  }
  return parts_.backups.sweeps() >= point.sweep && parts_.keeper.gifts_safe(point.gift) &&
         parts_.holder.safe_through(point.batches);
}

bool SafePoints::advance() {
  const uint64_t before = safe_;
  while (!points_.empty() && is_safe(points_.front())) {
    safe_ = points_.front().number;
    points_.pop_front();
  }
  if (safe_ == before) return false;
  tables_.safe_point.store(safe_, std::memory_order_release);
  return true;
}

std::string SafePoints::why() const {
  if (points_.empty()) return "they are";
  const Point& point = points_.front();
  if (!point.in) return "updates are not in their rows";
  if (parts_.backups.sweeps() < point.sweep) {
    return "node " + std::to_string(parts_.backups.kept_by().value) + " has no backup of its rows";
  }
  if (!parts_.keeper.gifts_safe(point.gift)) return "rows that it gave away have no backup";
  return "owners of rows have no backup of its updates";
}

}  // namespace hemiola

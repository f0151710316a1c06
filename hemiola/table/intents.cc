#include "hemiola/table/intents.h"

#include <algorithm>
#include <cmath>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr double kSmoothing = 0.1;
constexpr int32_t kAheadAtFirst = 16;
constexpr int32_t kAheadMost = 1 << 20;

void smooth(double& mean, double value) {
  mean = mean == 0 ? value : mean + kSmoothing * (value - mean);
}

}  // namespace

// The normal quantile 3.719 with the first term of its correction for the skew.
int32_t poisson_quantile(double mean) {
  constexpr double z = 3.719;
  return static_cast<int32_t>(std::ceil(mean + z * std::sqrt(mean) + (z * z + 2) / 6)) + 1;
}

Intents::Intents(const TableSet& tables)
    : place_(tables.place()), workers_(tables.place().workers_per_node) {
  for (uint32_t t = 0; t < tables.size(); ++t) {
    const Rows& rows = tables.rows(TableId{t});
    counts_.emplace_back(rows.adapts() ? rows.partition().rows() : 0);
  }
}

void Intents::add(WorkerId worker, Intent intent) {
  Worker& w = workers_[worker.value - place_.first_worker().value];
  if (intent.last <= w.clock || intent.keys.empty()) return;
  w.future[intent.first.value].push_back(std::move(intent));
}

void Intents::begin(Worker& worker, Intent intent, Change& change) {
  if (intent.last <= worker.clock) return;
  for (const Key key : intent.keys) {
    uint32_t& count = counts_[intent.table.value][key.value];
    HEMIOLA_CHECK(count < UINT32_MAX);
    ++count;
  }
  change.begun.push_back(intent);
  worker.active[intent.last.value].push_back(std::move(intent));
}

Intents::Change Intents::advance(WorkerId worker, Clock clock, Instant now) {
  Worker& w = workers_[worker.value - place_.first_worker().value];
  Change change;
  if (w.ticked && clock > w.clock) {
    smooth(w.ns_per_tick, static_cast<double>((now - w.since).ns) /
                              static_cast<double>(clock.value - w.clock.value));
  }
  if (clock > w.clock || !w.ticked) w.since = now;
  w.ticked = true;
  w.clock = clock;
  const int64_t due = int64_t{clock.value} + ahead(worker);
  while (!w.future.empty() && w.future.begin()->first <= due) {
    auto node = w.future.extract(w.future.begin());
    for (Intent& intent : node.mapped()) begin(w, std::move(intent), change);
  }
  while (!w.active.empty() && w.active.begin()->first <= clock.value) {
    auto node = w.active.extract(w.active.begin());
    for (Intent& intent : node.mapped()) {
      for (const Key key : intent.keys) --counts_[intent.table.value][key.value];
      change.over.push_back(std::move(intent));
    }
  }
  return change;
}

void Intents::stand(TableId table, Key key, bool wanted) {
  counts_[table.value][key.value] += wanted ? 1 : -1;
}

int32_t Intents::ahead(WorkerId worker) const {
  const Worker& w = workers_[worker.value - place_.first_worker().value];
  if (w.ns_per_tick == 0 || round_trip_ns_ == 0) return kAheadAtFirst;
  const double ticks = std::min<double>(round_trip_ns_ / w.ns_per_tick, kAheadMost);
  return poisson_quantile(2 * ticks);
}

void Intents::took(Duration round_trip) {
  smooth(round_trip_ns_, static_cast<double>(round_trip.ns));
}

}  // namespace hemiola

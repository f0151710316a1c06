#include "hemiola/average/mean_at_start.h"

#include <algorithm>
#include <cmath>

#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

Place everybody(const Place& place) {
  return {place.self, place.parties(), place.workers_per_node};
}

}  // namespace

MeanAtStart::MeanAtStart(ReplicaSet& replicas)
    : replicas_(replicas),
      all_alike_(!floats_under(replicas.options().rule)),
      sum_(keeps_mean() ? 2 * values() + 1
           : carries()  ? 2 * values()
                        : values()),
      reduction_(everybody(replicas.place()), kLane, sum_.size()) {}

bool MeanAtStart::keeps_mean() const { return !all_alike_ && replicas_.place().leaving > 0; }

template <class F>
void MeanAtStart::each_replica(F&& f) {
  const Place& place = replicas_.place();
  for (uint32_t w = 0; w < place.workers_per_node; ++w) {
    f(replicas_.of(WorkerId{place.first_worker().value + w}));
  }
}

bool MeanAtStart::begin(Outbox& out) {
  const bool stays = keeps_mean() && !replicas_.place().leaves();
  std::fill(sum_.begin(), sum_.end(), 0.0f);
  double weight = 0;
  if (!replicas_.knows_nothing()) {
    each_replica([&](Replica& replica) {
      vec().add(sum_.data(), replica.values().data(), values());
      if (carries() && !replicas_.carried().empty()) {
        vec().add(&sum_[values()], replicas_.carried().data(), values());
      }
      if (stays) vec().add(&sum_[values()], replica.values().data(), values());
      if (stays) sum_.back() += 1;
      weight += 1;
    });
  }
  return reduction_.begin(sum_, weight, out);
}

void MeanAtStart::give_to_replicas() {
  const bool takes_mean = all_alike_ || replicas_.knows_nothing();
  replicas_.set_knows_nothing(false);
  if (carries()) replicas_.set_carried(std::span(sum_).subspan(values()));
  if (!takes_mean && !keeps_mean()) return;
  const double staying = keeps_mean() ? std::round(sum_.back() * reduction_.weight()) : 0;
  const auto scale = static_cast<float>(staying > 0 ? reduction_.weight() / staying : 0);
  each_replica([&](Replica& replica) {
    const std::span<float> own = replica.values();
    for (size_t i = 0; i < own.size(); ++i) {
      own[i] = takes_mean ? sum_[i] : own[i] + (sum_[i] - scale * sum_[values() + i]);
    }
    replica.give_out();
  });
}

}  // namespace hemiola

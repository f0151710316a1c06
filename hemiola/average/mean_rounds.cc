#include "hemiola/average/mean_rounds.h"

#include <algorithm>
#include <utility>

#include "hemiola/core/vec.h"

namespace hemiola {

MeanRounds::MeanRounds(Crew& crew)
    : Strategy(crew), reduction_(crew.place(), kLane, crew.values()), steps_(crew.local().size()) {
  if (crew.local().size() > 1) sum_.resize(crew.values());
  if (crew.options().rule.kind == AverageRule::Kind::outer) {
    const auto start = crew.values(crew.local()[0]);
    reference_.assign(start.begin(), start.end());
    momentum_.resize(start.size());
  }
}

void MeanRounds::stepped(WorkerId worker, Instant, Outbox& out) {
  if (++steps(worker) < crew_.options().rule.every) {
    crew_.go_on(worker, out);
    return;
  }
  due_.push_back(worker);
  try_round(out);
}

void MeanRounds::rested(WorkerId, Instant, Outbox& out) { try_round(out); }

void MeanRounds::on_message(const Envelope& message, Instant, Outbox& out) {
  if (reduction_.on_message(message, out)) end_round(out);
  try_round(out);
}

// The node takes part when nobody here computes any more: all are due, or some rest and somebody
// asks.
void MeanRounds::try_round(Outbox& out) {
  if (reduction_.busy()) return;
  size_t resting = 0;
  for (const WorkerId w : crew_.local()) resting += crew_.rests(w);
  if (due_.size() + resting < crew_.local().size()) return;
  if (due_.empty() && !reduction_.wanted()) return;

  std::vector<WorkerId> parts = due_;
  for (const WorkerId w : crew_.local()) {
    if (crew_.rests(w) && steps(w) > 0) parts.push_back(w);
  }
  std::sort(parts.begin(), parts.end());
  if (sum_.empty()) {
    part_ = crew_.values(crew_.local()[0]);
  } else {
    part_ = sum_;
    for (size_t i = 0; i < parts.size(); ++i) {
      const auto values = crew_.values(parts[i]);
      (i == 0 ? vec().copy : vec().add)(sum_.data(), values.data(), values.size());
    }
  }
  if (reduction_.begin(part_, static_cast<double>(parts.size()), out)) end_round(out);
}

void MeanRounds::end_round(Outbox& out) {
  if (!reference_.empty()) step_outside(part_);
  for (const WorkerId w : crew_.local()) {
    steps(w) = 0;
    const auto values = crew_.values(w);
    if (values.data() != part_.data()) vec().copy(values.data(), part_.data(), part_.size());
  }
  decided(reduction_.weight() == crew_.size() ? "all were ready"
                                              : "all that had work left were ready");
  const std::vector<WorkerId> due = std::exchange(due_, {});
  for (const WorkerId w : due) crew_.go_on(w, out);
}

void MeanRounds::step_outside(std::span<float> mean) {
  const auto rate = static_cast<float>(crew_.options().outer_rate);
  const auto keep = static_cast<float>(crew_.options().outer_momentum);
  for (size_t i = 0; i < mean.size(); ++i) {
    const float change = mean[i] - reference_[i];
    momentum_[i] = keep * momentum_[i] + change;
    reference_[i] += rate * (change + keep * momentum_[i]);
    mean[i] = reference_[i];
  }
}

std::string MeanRounds::waits_for(WorkerId) const {
  if (const auto node = reduction_.waits_for()) return "node " + std::to_string(node->value);
  for (const WorkerId w : crew_.local()) {
    if (!crew_.waits(w) && !crew_.rests(w)) return "worker " + std::to_string(w.value);
  }
  return "nobody";
}

}  // namespace hemiola

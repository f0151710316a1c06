#include "hemiola/average/mean_rounds.h"

#include <algorithm>
#include <utility>

#include "hemiola/core/vec.h"

namespace hemiola {

namespace {

std::unique_ptr<const Codec> codec_of(const Crew& crew) {
  const std::string& text = crew.options().codec;
  if (text == "none" || crew.place().nodes == 1) return nullptr;
  return make_codec(text);
}

}  // namespace

MeanRounds::MeanRounds(Crew& crew)
    : Strategy(crew),
      codec_(codec_of(crew)),
      reduction_(crew.place(), kLane, crew.values(), codec_.get(), crew.options().seed),
      steps_(crew.local().size()) {
  const bool outer = crew.options().rule.kind == AverageRule::Kind::outer;
  if (outer) momentum_.resize(crew.values());
  if (outer || codec_) {
    const auto start = crew.values(crew.local()[0]);
    reference_.assign(start.begin(), start.end());
  }
  if (crew.local().size() > 1 || !reference_.empty()) sum_.resize(crew.values());
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
  gather(parts);
  if (reduction_.begin(part_, static_cast<double>(parts.size()), out)) end_round(out);
}

// What this node gives to the mean: the sum over its workers, or that of their changes.
void MeanRounds::gather(std::span<const WorkerId> parts) {
  if (sum_.empty()) {
    part_ = crew_.values(crew_.local()[0]);
    return;
  }
  part_ = sum_;
  if (!reference_.empty()) std::fill(sum_.begin(), sum_.end(), 0.0f);
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto values = crew_.values(parts[i]);
    const bool first = i == 0 && reference_.empty();
    (first ? vec().copy : vec().add)(sum_.data(), values.data(), values.size());
    if (!reference_.empty()) vec().subtract(sum_.data(), reference_.data(), values.size());
  }
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

// From the mean change to the next model.
void MeanRounds::step_outside(std::span<float> change) {
  const auto rate = static_cast<float>(crew_.options().outer_rate);
  const auto keep = static_cast<float>(crew_.options().outer_momentum);
  for (size_t i = 0; i < change.size(); ++i) {
    if (momentum_.empty()) {
      reference_[i] += change[i];
    } else {
      momentum_[i] = keep * momentum_[i] + change[i];
      reference_[i] += rate * (change[i] + keep * momentum_[i]);
    }
    change[i] = reference_[i];
  }
}

void MeanRounds::state(StateFields& fields) {
  reduction_.state(fields);
  for (const WorkerId w : crew_.local()) {
    uint64_t done = steps(w);
    fields.number("steps." + std::to_string(w.value), done);
    steps(w) = static_cast<uint32_t>(done);
  }
  if (!reference_.empty()) fields.floats("reference", std::span(reference_));
  if (!momentum_.empty()) fields.floats("momentum", std::span(momentum_));
}

std::string MeanRounds::waits_for(WorkerId) const {
  if (const auto node = reduction_.waits_for()) return "node " + std::to_string(node->value);
  for (const WorkerId w : crew_.local()) {
    if (!crew_.waits(w) && !crew_.rests(w)) return "worker " + std::to_string(w.value);
  }
  return "nobody";
}

}  // namespace hemiola

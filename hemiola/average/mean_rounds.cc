#include "hemiola/average/mean_rounds.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "hemiola/core/vec.h"

namespace hemiola {

namespace {

std::unique_ptr<const Codec> codec_of(const Crew& crew) {
  const std::string& text = crew.options().codec;
  if (text == "none" || text == "auto" || crew.place().nodes == 1) return nullptr;
  return make_codec(text);
}

}  // namespace

MeanRounds::MeanRounds(Crew& crew)
    : Strategy(crew), codec_(codec_of(crew)), steps_(crew.local().size()) {
  if (crew.options().codec == "auto") {
    trial_.emplace(crew.place(), crew.values(), crew.options().codec_speeds);
  }
  reduction_.emplace(crew.place(), lane_, crew.values(), codec_.get(), crew.options().seed);
  const bool outer = crew.options().rule.kind == AverageRule::Kind::outer;
  if (outer) momentum_.assign(crew.carried().begin(), crew.carried().end());
  if (outer) momentum_.resize(crew.values());
  if (outer || codec_) {
    const auto start = crew.values(crew.local()[0]);
    reference_.assign(start.begin(), start.end());
  }
  if (crew.local().size() > 1 || !reference_.empty()) sum_.resize(crew.values());
}

void MeanRounds::stepped(WorkerId worker, Instant now, Outbox& out) {
  if (++steps(worker) < crew_.options().rule.every) {
    crew_.go_on(worker, out);
    return;
  }
  due_.push_back(worker);
  try_round(now, out);
}

void MeanRounds::rested(WorkerId, Instant now, Outbox& out) { try_round(now, out); }

// Others may have changed the codec before this node has heard all of what was agreed on.
void MeanRounds::on_message(const Envelope& message, Instant now, Outbox& out) {
  Reader reader(message.body);
  const uint32_t lane = reader.get<PieceHead>().lane;
  if (!reader.ok()) throw std::runtime_error("a piece of a mean that is none");
  if (trial_ && lane == CodecTrial::kLane) {
    const std::string before = trial_->codec();
    if (trial_->on_message(message, out)) {
      if (crew_.place().self.value == 0) {
        out.say(Level::info, "sync.compress = auto: " + trial_->reason());
      }
      if (trial_->codec() != before) change_codec(now, out);
      if (trial_->settled()) last_mean_ = {};
    }
  } else if (lane == lane_) {
    if (reduction_->on_message(message, out)) end_round(now, out);
  } else if (trial_ && lane >= kFirstTriedLane && lane == next_lane()) {
    if (early_.size() > kMostEarly) throw std::runtime_error("a piece of a mean long before it");
    early_.push_back(message);
  } else if (!trial_ || (lane != kLane && lane < kFirstTriedLane) || lane > lane_) {
    throw std::runtime_error("a piece of a mean that nobody takes");
  }
  try_round(now, out);
}

// All replicas are what the last round has made them, so changes are counted from there.
void MeanRounds::change_codec(Instant now, Outbox& out) {
  lane_ = next_lane();
  codec_ = trial_->codec() == "none" ? nullptr : make_codec(trial_->codec());
  reduction_.emplace(crew_.place(), lane_, crew_.values(), codec_.get(), crew_.options().seed);
  if (momentum_.empty()) {
    reference_ = codec_ ? std::move(last_mean_) : std::vector<float>();
    const bool summed = crew_.local().size() > 1 || codec_;
    sum_ = std::vector<float>(summed ? crew_.values() : 0);
  }
  last_mean_ = {};
  for (const Envelope& message : std::exchange(early_, {})) {
    if (reduction_->on_message(message, out)) end_round(now, out);
  }
}

void MeanRounds::up_again(NodeId peer, Instant, Outbox& out) {
  if (trial_) trial_->up_again(peer, out);
  reduction_->up_again(peer, out);
}

std::string MeanRounds::codec_note() const {
  if (crew_.options().codec != "auto") return {};
  return trial_->reason();
}

// The node takes part when nobody here computes any more: all are due, or some rest and somebody
// asks.
void MeanRounds::try_round(Instant now, Outbox& out) {
  if (reduction_->busy() || (trial_ && trial_->busy())) return;
  size_t resting = 0;
  for (const WorkerId w : crew_.local()) resting += crew_.rests(w);
  if (due_.size() + resting < crew_.local().size()) return;
  if (due_.empty() && !reduction_->wanted()) return;

  std::vector<WorkerId> parts = due_;
  for (const WorkerId w : crew_.local()) {
    if (crew_.rests(w) && steps(w) > 0) parts.push_back(w);
  }
  std::sort(parts.begin(), parts.end());
  gather(parts);
  began_ = now;
  if (reduction_->begin(part_, static_cast<double>(parts.size()), out)) end_round(now, out);
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

void MeanRounds::end_round(Instant now, Outbox& out) {
  if (!reference_.empty()) step_outside(part_);
  if (trial_ && trial_->is_last_round()) last_mean_.assign(part_.begin(), part_.end());
  for (const WorkerId w : crew_.local()) {
    steps(w) = 0;
    const auto values = crew_.values(w);
    if (values.data() != part_.data()) vec().copy(values.data(), part_.data(), part_.size());
  }
  decided(reduction_->weight() == crew_.size() ? "all were ready"
                                               : "all that had work left were ready");
  const std::vector<WorkerId> due = std::exchange(due_, {});
  for (const WorkerId w : due) crew_.go_on(w, out);
  if (trial_) trial_->round_took(now - began_, out);
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

void MeanRounds::settle() {
  if (!momentum_.empty()) crew_.carry(momentum_);
  std::vector<float> owed(crew_.values());
  if (!reduction_->take_back(owed)) return;
  const float share = 1.0f / static_cast<float>(crew_.local().size());
  for (const WorkerId w : crew_.local()) {
    const auto values = crew_.values(w);
    for (size_t i = 0; i < owed.size(); ++i) values[i] += share * owed[i];
  }
}

void MeanRounds::state(StateFields& fields) {
  // A trial begins anew, with floats; the codecs of which it chooses leave nothing over.
  if (!trial_) reduction_->state(fields);
  for (const WorkerId w : crew_.local()) {
    uint64_t done = steps(w);
    fields.number("steps." + std::to_string(w.value), done);
    steps(w) = static_cast<uint32_t>(done);
  }
  const bool kept = !reference_.empty() && (!trial_ || !momentum_.empty());
  if (kept) fields.floats("reference", std::span(reference_));
  if (!momentum_.empty()) fields.floats("momentum", std::span(momentum_));
}

std::string MeanRounds::waits_for(WorkerId) const {
  if (const auto node = reduction_->waits_for()) return "node " + std::to_string(node->value);
  for (const WorkerId w : crew_.local()) {
    if (!crew_.waits(w) && !crew_.rests(w)) return "worker " + std::to_string(w.value);
  }
  return "nobody";
}

}  // namespace hemiola

#include "hemiola/cluster/reducer.h"

#include "hemiola/core/check.h"

namespace hemiola {

Reducer::Result Reducer::add(WorkerId worker, uint32_t round, std::vector<double> values,
                             Instant now) {
  HEMIOLA_CHECK(worker.value < workers_);
  next_.resize(workers_);
  uint32_t& next = next_[worker.value];
  const std::string who = "worker " + std::to_string(worker.value);
  if (round != next) {
    return {std::nullopt, who + " came with reduce " + std::to_string(round) +
                              " when its next was " + std::to_string(next)};
  }
  auto [at, first] = open_.try_emplace(round);
  Round& r = at->second;
  if (first) {
    r.since = now;
    r.parts.resize(workers_);
  }
  for (size_t w = 0; w < r.parts.size(); ++w) {
    if (!r.parts[w] || r.parts[w]->size() == values.size()) continue;
    return {std::nullopt, "reduce " + std::to_string(round) + ": " + who + " has " +
                              std::to_string(values.size()) + " values and worker " +
                              std::to_string(w) + " has " + std::to_string(r.parts[w]->size())};
  }
  ++next;
  r.parts[worker.value] = std::move(values);
  if (++r.have < workers_) return {};

  std::vector<double> sum = std::move(*r.parts[0]);
  for (size_t w = 1; w < r.parts.size(); ++w) {
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += (*r.parts[w])[i];
  }
  open_.erase(at);
  return {std::move(sum), {}};
}

std::optional<Reducer::Waiting> Reducer::waiting() const {
  if (open_.empty()) return std::nullopt;
  const auto& [round, r] = *open_.begin();
  Waiting waiting{round, r.since, {}};
  for (uint32_t w = 0; w < workers_; ++w) {
    if (!r.parts[w]) waiting.missing.push_back(WorkerId{w});
  }
  return waiting;
}

}  // namespace hemiola

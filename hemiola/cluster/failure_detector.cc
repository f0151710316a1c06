#include "hemiola/cluster/failure_detector.h"

#include <algorithm>

#include "hemiola/cluster/why.h"

namespace hemiola {
namespace {

constexpr int64_t kTimesUsual = 4;
constexpr Duration kLeastLimit = seconds(2);
constexpr int64_t kFadePercent = 2;  // of the longest silence, with each heartbeat

}  // namespace

SilenceVerdict judge_silence(NodeId peer, const PeerHistory& history, Instant now,
                             const ClusterOptions& o) {
  const Duration silence = now - history.heard;
  const std::string fact = name_of(peer) + " is silent for " + text_of(silence);
  if (o.on_silence == OnSilence::remove) {
    const Duration usual{kTimesUsual * history.longest.ns};
    if (silence >= std::min(o.silence_limit, std::max(kLeastLimit, usual))) {
      return {Silence::end, fact};
    }
  }
  if (silence < o.silence_warn) return {};
  if (o.on_silence == OnSilence::end && silence >= o.silence_limit) {
    return {Silence::end, fact};
  }
  const bool first = history.told == Duration{};
  if (!first && silence < history.told + o.silence_repeat) return {};
  return {Silence::tell, fact + ": waiting for it"};
}

std::optional<std::string> FailureDetector::heard(NodeId peer, Instant now) {
  const auto at = peers_.find(peer);
  if (at == peers_.end()) return std::nullopt;
  const PeerHistory before = at->second;
  const Duration faded{before.longest.ns * (100 - kFadePercent) / 100};
  at->second = {now, {}, std::max(now - before.heard, faded)};
  if (before.told == Duration{}) return std::nullopt;
  return name_of(peer) + " answers again after " + text_of(now - before.heard);
}

FailureDetector::Findings FailureDetector::judge(Instant now) {
  Findings findings;
  const Duration gap = judged_ ? now - *judged_ : Duration{};
  judged_ = now;
  if (gap >= seconds(4 * options_.heartbeat.seconds())) {
    findings.absence = gap - options_.heartbeat;
    for (auto& [peer, history] : peers_) {
      history.heard = std::min(now, history.heard + findings.absence);
    }
    if (gap >= options_.silence_warn) {
      findings.held_up = "this node was held up for " + text_of(gap);
    }
  }
  for (auto& [peer, history] : peers_) {
    SilenceVerdict verdict = judge_silence(peer, history, now, options_);
    if (verdict.what == Silence::none) continue;
    history.told = now - history.heard;
    findings.peers.push_back({peer, std::move(verdict)});
  }
  return findings;
}

}  // namespace hemiola

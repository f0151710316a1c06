#include "hemiola/cluster/failure_detector.h"

#include <gtest/gtest.h>

namespace hemiola {
namespace {

constexpr NodeId kPeer{2};

Instant at(double s) { return Instant{} + seconds(s); }

TEST(FailureDetector, A_short_silence_is_nothing) {
  const ClusterOptions o;
  EXPECT_EQ(judge_silence(kPeer, {at(10), {}}, at(12.9), o).what, Silence::none);
}

TEST(FailureDetector, A_silence_is_told_of_after_3_s_and_again_10_s_later) {
  const ClusterOptions o;
  const SilenceVerdict first = judge_silence(kPeer, {at(10), {}}, at(13.1), o);
  EXPECT_EQ(first.what, Silence::tell);
  EXPECT_EQ(first.reason, "node 2 is silent for 3.1 s: waiting for it");
  const PeerHistory told = {at(10), seconds(3.1)};
  EXPECT_EQ(judge_silence(kPeer, told, at(23), o).what, Silence::none);
  EXPECT_EQ(judge_silence(kPeer, told, at(23.1), o).reason,
            "node 2 is silent for 13.1 s: waiting for it");
}

TEST(FailureDetector, The_end_comes_at_the_limit_only_when_asked_for) {
  ClusterOptions o;
  o.silence_limit = seconds(5);
  EXPECT_EQ(judge_silence(kPeer, {at(0), seconds(3)}, at(9), o).what, Silence::none);
  o.on_silence = OnSilence::end;
  const SilenceVerdict verdict = judge_silence(kPeer, {at(0), seconds(3)}, at(5), o);
  EXPECT_EQ(verdict.what, Silence::end);
  EXPECT_EQ(verdict.reason, "node 2 is silent for 5 s");
}

// Judges every 250 ms from `from` to `until`; gives the first finding.
std::optional<FailureDetector::Finding> watch(FailureDetector& detector, double from,
                                              double until) {
  for (double t = from; t <= until; t += 0.25) {
    auto findings = detector.judge(at(t));
    if (!findings.peers.empty()) return findings.peers.front();
  }
  return std::nullopt;
}

TEST(FailureDetector, Where_the_job_goes_on_the_limit_follows_what_is_usual) {
  ClusterOptions o;
  o.on_silence = OnSilence::remove;
  const auto limit = [&](Duration longest) {
    for (double t = 0;; t += 0.1) {
      if (judge_silence(kPeer, {at(0), {}, longest}, at(t), o).what == Silence::end) return t;
    }
  };
  EXPECT_NEAR(limit(milliseconds(250)), 2, 0.15);
  EXPECT_NEAR(limit(seconds(1)), 4, 0.15);
  EXPECT_NEAR(limit(seconds(100)), 30, 0.15);
  FailureDetector detector(o);
  detector.watch(kPeer, at(0));
  detector.heard(kPeer, at(1.5));  // once, it was held up
  detector.judge(at(1.5));
  EXPECT_TRUE(detector.judge(at(1.75)).peers.empty());
}

TEST(FailureDetector, Who_comes_back_is_greeted_once) {
  const ClusterOptions o;
  FailureDetector detector(o);
  detector.watch(kPeer, at(0));
  EXPECT_FALSE(detector.heard(kPeer, at(1)));
  ASSERT_TRUE(watch(detector, 1, 5));
  EXPECT_EQ(detector.heard(kPeer, at(13.3)), "node 2 answers again after 12.3 s");
  EXPECT_FALSE(detector.heard(kPeer, at(13.4)));
}

TEST(FailureDetector, A_forgotten_peer_is_not_judged) {
  const ClusterOptions o;
  FailureDetector detector(o);
  detector.watch(kPeer, at(0));
  detector.forget(kPeer);
  EXPECT_FALSE(watch(detector, 0, 20));
  EXPECT_FALSE(detector.heard(kPeer, at(20)));
}

TEST(FailureDetector, Its_own_absence_is_nobodys_silence) {
  const ClusterOptions o;
  FailureDetector detector(o);
  detector.watch(kPeer, at(0));
  EXPECT_FALSE(watch(detector, 0, 1));
  const auto findings = detector.judge(at(61));
  EXPECT_EQ(findings.held_up, "this node was held up for 60 s");
  EXPECT_TRUE(findings.peers.empty());
  const auto found = watch(detector, 61.25, 70);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->verdict.reason, "node 2 is silent for 3 s: waiting for it");
}

}  // namespace
}  // namespace hemiola

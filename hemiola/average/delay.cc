#include "hemiola/average/delay.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr uint32_t kParts = 8;  // of a doubling

// 0 .. 15 by themselves, then eight for each doubling.
size_t bucket_of(uint32_t delay) {
  if (delay < 2 * kParts) return delay;
  const auto doublings =
      static_cast<uint32_t>(std::bit_width(delay)) - 4;  // delay >> that is 8..15
  const size_t at = size_t{doublings} * kParts + (delay >> doublings);
  return std::min(at, DelayHistogram::kBuckets - 1);
}

uint64_t last_of(size_t bucket) {
  if (bucket < 2 * kParts) return bucket;
  const size_t doublings = bucket / kParts - 1;
  return ((uint64_t{bucket % kParts} + kParts + 1) << doublings) - 1;
}

}  // namespace

float DelayRule::times(uint32_t delay, double usual) const {
  switch (kind) {
    case Kind::adaptive:
      return static_cast<float>(std::min(1.0, std::max(usual, 1.0) / std::max(delay, 1u)));
    case Kind::drop:
      return delay > oldest ? 0 : 1;
    default:
      return 1;
  }
}

std::string DelayRule::name() const {
  if (kind == Kind::drop) return "drop(" + std::to_string(oldest) + ")";
  return kind == Kind::adaptive ? "adaptive" : "fixed";
}

DelayRule parse_delay(std::string_view text) {
  if (text == "fixed") return {};
  if (text == "adaptive") return {DelayRule::Kind::adaptive, 0};
  constexpr std::string_view kDrop = "drop(";
  if (text.starts_with(kDrop) && text.ends_with(')')) {
    const char* end = text.data() + text.size() - 1;
    DelayRule rule{DelayRule::Kind::drop, 0};
    const auto [at, error] = std::from_chars(text.data() + kDrop.size(), end, rule.oldest);
    if (error == std::errc() && at == end && rule.oldest > 0) return rule;
  }
  throw UserError("train.delay = \"" + std::string(text) +
                  "\" is none of fixed, adaptive and drop(R), where steps with a delay above R " +
                  "(from 1) are thrown away");
}

void DelayHistogram::add(uint32_t delay) {
  ++buckets_[bucket_of(delay)];
  sum_ += delay;
}

uint64_t DelayHistogram::count() const {
  uint64_t all = 0;
  for (const uint64_t n : buckets_) all += n;
  return all;
}

double DelayHistogram::mean() const {
  const uint64_t n = count();
  return n > 0 ? sum_ / static_cast<double>(n) : 0;
}

uint64_t DelayHistogram::quantile(double share) const {
  const double wanted = std::ceil(share * static_cast<double>(count()));
  uint64_t so_far = 0;
  for (size_t b = 0; b < kBuckets; ++b) {
    so_far += buckets_[b];
    if (so_far > 0 && static_cast<double>(so_far) >= wanted) return last_of(b);
  }
  return 0;
}

DelayHistogram& DelayHistogram::operator+=(const DelayHistogram& other) {
  for (size_t b = 0; b < kBuckets; ++b) buckets_[b] += other.buckets_[b];
  sum_ += other.sum_;
  return *this;
}

std::vector<double> DelayHistogram::pack() const {
  std::vector<double> packed(buckets_.begin(), buckets_.end());
  packed.push_back(sum_);
  return packed;
}

DelayHistogram DelayHistogram::unpack(std::span<const double> packed) {
  HEMIOLA_CHECK(packed.size() == kPacked);
  DelayHistogram histogram;
  for (size_t b = 0; b < kBuckets; ++b) histogram.buckets_[b] = static_cast<uint64_t>(packed[b]);
  histogram.sum_ = packed[kBuckets];
  return histogram;
}

}  // namespace hemiola

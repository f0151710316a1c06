#include "hemiola/average/codec_trial.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr double kNothing = 1e-6;  // seconds: all was there in the same event

size_t numbers_of(size_t codecs) { return CodecTrial::kTimed + 2 * codecs; }

std::string milliseconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g ms", 1e3 * seconds);
  return text;
}

}  // namespace

CodecTrial::CodecTrial(const Place& place, size_t values, std::vector<CodecSpeed> speeds)
    : place_(place),
      values_(values),
      speeds_(std::move(speeds)),
      agreement_(place, kLane, place.nodes * numbers_of(speeds_.size())),
      reason_("not decided yet") {
  if (place.nodes > 1) return;
  settled_ = true;
  reason_ = "one node sends nothing";
}

void CodecTrial::round_took(Duration time, Outbox& out) {
  HEMIOLA_CHECK(!busy());
  if (settled_) return;
  if (++rounds_ > kSkipped) times_.push_back(static_cast<float>(time.seconds()));
  if (times_.size() < kTimed) return;
  rounds_ = 0;
  const size_t count = numbers_of(speeds_.size());
  numbers_.assign(place_.nodes * count, 0);
  float* own = &numbers_[place_.self.value * count];
  own = std::copy(times_.begin(), times_.end(), own);
  times_.clear();
  for (const CodecSpeed& speed : speeds_) {
    *own++ = static_cast<float>(1e-9 * speed.encode);
    *own++ = static_cast<float>(1e-9 * speed.decode);
  }
  HEMIOLA_CHECK(!agreement_.begin(numbers_, 1, out));
}

bool CodecTrial::on_message(const Envelope& message, Outbox& out) {
  if (!agreement_.on_message(message, out)) return false;
  decide();
  return true;
}

double CodecTrial::least_over_nodes(size_t number) const {
  const size_t count = numbers_of(speeds_.size());
  float least = numbers_[number];
  for (size_t n = 1; n < place_.nodes; ++n) least = std::min(least, numbers_[n * count + number]);
  return double{least} * place_.nodes;  // they went through a mean
}

// Of the rounds that were timed, the one in the middle.
double CodecTrial::round_seconds() const {
  std::vector<double> times;
  for (size_t r = 0; r < kTimed; ++r) times.push_back(least_over_nodes(r));
  std::nth_element(times.begin(), times.begin() + kTimed / 2, times.end());
  return times[kTimed / 2];
}

void CodecTrial::decide() {
  const double seconds = round_seconds();
  if (codec_ != "none") {
    settled_ = true;
    const std::string compared =
        milliseconds_text(seconds) + " a round, plain floats " + milliseconds_text(dense_seconds_);
    reason_ = codec_ + " takes " + compared;
    if (seconds <= kWorthIt * dense_seconds_) return;
    reason_ = "no codec: " + codec_ + " was tried and took " + compared;
    codec_ = "none";
    return;
  }
  dense_seconds_ = seconds;
  if (seconds < kNothing) {
    settled_ = true;
    reason_ = "no codec: the last to come finds all that it needs already there";
    return;
  }
  std::vector<CodecSpeed> slowest = speeds_;
  for (size_t c = 0; c < slowest.size(); ++c) {
    slowest[c].encode = 1e9 * least_over_nodes(kTimed + 2 * c);
    slowest[c].decode = 1e9 * least_over_nodes(kTimed + 2 * c + 1);
  }
  const double rate = 4.0 * static_cast<double>(values_) / std::max(seconds, 1e-9);
  const CodecChoice choice = auto_codec(rate, slowest, values_);
  codec_ = choice.codec;
  reason_ = choice.reason;
  settled_ = codec_ == "none";
}

}  // namespace hemiola

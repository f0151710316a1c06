#include "hemiola/average/auto_codec.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "hemiola/average/codec.h"
#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr double kWorthAnError = 0.8;  // of the time of the more exact choice

struct Candidate {
  std::string codec;
  double error = 0;
  double seconds = 0;
};

std::string with_unit(double value, std::array<const char*, 4> units) {
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  char text[48];
  std::snprintf(text, sizeof(text), "%.3g %s", value, units[unit]);
  return text;
}

std::string time_text(double s) { return with_unit(s * 1e9, {"ns", "us", "ms", "s"}); }
std::string rate_text(double r) { return with_unit(r, {"B/s", "kB/s", "MB/s", "GB/s"}); }

std::string reason_for(const CodecChoice& choice, const Candidate* fastest, double link) {
  const std::string dense =
      "plain floats " + time_text(choice.dense_seconds) + " over a link of " + rate_text(link);
  if (choice.codec != "none") {
    return choice.codec + " takes " + time_text(choice.seconds) + " a vector, " + dense;
  }
  if (!fastest) return dense + ": no codec was measured";
  const std::string best = fastest->codec + " would take " + time_text(fastest->seconds);
  return "no codec: " + best + " a vector, " + dense;
}

}  // namespace

CodecChoice auto_codec(double link_bytes_per_second, std::span<const CodecSpeed> speeds, size_t n) {
  HEMIOLA_CHECK(link_bytes_per_second > 0);
  const double bytes = 4.0 * static_cast<double>(n);
  std::vector<Candidate> candidates;
  for (const CodecSpeed& speed : speeds) {
    const auto codec = make_codec(speed.codec);
    if (!(speed.encode > 0) || !(speed.decode > 0)) continue;  // not measured: no candidate
    const double sent = static_cast<double>(codec->bytes_for(n)) / link_bytes_per_second;
    candidates.push_back(
        {codec->text(), codec->error_bound(n), bytes / speed.encode + sent + bytes / speed.decode});
  }
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.error < b.error; });

  CodecChoice choice;
  choice.seconds = choice.dense_seconds = bytes / link_bytes_per_second;
  const Candidate* fastest = nullptr;
  for (const Candidate& c : candidates) {
    if (c.codec == "none") continue;
    if (!fastest || c.seconds < fastest->seconds) fastest = &c;
    if (c.seconds > kWorthAnError * choice.seconds || c.seconds == choice.seconds) continue;
    choice.codec = c.codec;
    choice.seconds = c.seconds;
  }
  choice.reason = reason_for(choice, fastest, link_bytes_per_second);
  return choice;
}

}  // namespace hemiola

#include "hemiola/train/progress.h"

#include <algorithm>
#include <cmath>

namespace hemiola {
namespace {

constexpr auto kLiveInterval = std::chrono::milliseconds(200);

template <class... Args>
std::string format(const char* pattern, Args... args) {
  char text[256];
  std::snprintf(text, sizeof text, pattern, args...);
  return text;
}

std::string metrics_text(const std::vector<Metric>& metrics) {
  std::string text;
  for (const Metric& m : metrics) text += format("  %s %.5g", m.name.c_str(), m.value);
  return text;
}

std::string share_text(uint64_t part, uint64_t whole) {
  return format("%.3g %%", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

// Where the rows were that workers asked for.
std::string locality_line(const TableStats& rows) {
  const uint64_t all = rows.local_rows + rows.remote_rows;
  if (all == 0) return "";
  const uint64_t missed = std::min(rows.missed_rows, rows.remote_rows);
  std::string text = "rows:    " + share_text(rows.local_rows, all) + " of " +
                     human_count(static_cast<double>(all)) + " accesses were to a node's own, " +
                     share_text(rows.remote_rows - missed, all) + " to copies";
  text += missed == 0 ? ", none was waited for"
                      : ", " + share_text(missed, all) + " were missed and waited for";
  if (rows.moved_rows > 0) {
    text += "; " + human_count(static_cast<double>(rows.moved_rows)) + " times a row moved";
  }
  return text + "\n";
}

// Why rounds of averages ended.
std::string rounds_line(const std::map<std::string, uint64_t>& rounds) {
  std::string text;
  for (const auto& [reason, times] : rounds) {
    text += (text.empty() ? "rounds:  " : "; ") + human_count(static_cast<double>(times)) +
            " ended when " + reason;
  }
  return text.empty() ? "" : text + "\n";
}

std::string counted(uint64_t count, const char* what) {
  return human_count(static_cast<double>(count)) + " " + what + (count == 1 ? "" : "s");
}

// Who was lost, left and came, and what that has cost.
std::string survived_line(const History::Counts& h, bool replicas) {
  if (h.changes == 0) return "";
  std::string text = "nodes:  ";
  const auto add = [&](uint64_t count, const char* what) {
    if (count > 0) text += " " + human_count(static_cast<double>(count)) + " " + what + ",";
  };
  add(h.lost, "lost");
  add(h.left, "left");
  add(h.joined, "joined");
  text += " stood still " + human_seconds(h.paused) + " for it, " + human_seconds(h.longest_pause) +
          " at most; " + counted(h.blocks_again, "block") + " done again";
  if (replicas && h.lost > 0) text += "; what the lost ones had not averaged yet is lost";
  if (replicas) return text + "\n";
  if (h.rows.from_backups > 0) {
    text += "; " + counted(h.rows.from_backups, "row") + " from backups";
  }
  if (h.rows.from_checkpoint > 0) {
    text += "; " + counted(h.rows.from_checkpoint, "row") + " from a checkpoint";
  }
  return text + "; " +
         (h.rows.initial > 0 ? counted(h.rows.initial, "row") + " lost" : "no row lost") + "\n";
}

// Steps that sync.max_gap has made wait, or passed over.
std::string gaps_line(const GapCounts& gaps) {
  if (gaps.held + gaps.passed_over == 0) return "";
  return "gaps:    " + human_count(static_cast<double>(gaps.held)) +
         " steps waited for a neighbour that was behind; " +
         human_count(static_cast<double>(gaps.passed_over)) + " were passed over to catch up\n";
}

}  // namespace

std::string human_count(double count) {
  if (count >= 1e9) return format("%.3g G", count / 1e9);
  if (count >= 1e6) return format("%.3g M", count / 1e6);
  if (count >= 1e4) return format("%.3g k", count / 1e3);
  return format("%.0f", count);
}

std::string human_bytes(uint64_t bytes) {
  const std::string count = human_count(static_cast<double>(bytes));
  return count + (count.find(' ') == count.npos ? " B" : "B");
}

std::string human_seconds(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  if (seconds < 1e-3) return format("%.0f us", seconds * 1e6);
  if (seconds < 1) return format("%.0f ms", seconds * 1e3);
  if (seconds < 100) return format("%.3g s", seconds);
  const auto whole = static_cast<long>(seconds);
  if (seconds < 7200) return format("%ld min %ld s", whole / 60, whole % 60);
  return format("%ld h %ld min", whole / 3600, whole / 60 % 60);
}

std::string live_line(const LiveState& s) {
  std::string text = format("epoch %u/%u %3.0f %%", s.epoch, s.epochs, 100 * s.epoch_share);
  if (s.loss != 0) text += format("  loss %.5g", s.loss);
  text += "  " + human_count(s.samples_per_second) + " samples/s";
  if (s.seconds_left > 0) text += "  " + human_seconds(s.seconds_left) + " left";
  text += format("  %u node%s", s.nodes, s.nodes == 1 ? "" : "s");
  text += format("  staleness %.2g", s.staleness);
  return text;
}

std::string epoch_line(const EpochRecord& e, uint32_t epochs) {
  std::string text = format("epoch %u/%u  loss %.5g", e.epoch, epochs, e.loss);
  text += metrics_text(e.metrics);
  if (e.spread) text += format("  spread %.2g", *e.spread);
  text += "  " + human_seconds(e.seconds);
  if (e.seconds > 0) {
    text += "  " + human_count(static_cast<double>(e.samples) / e.seconds) + " samples/s";
  }
  return text;
}

std::string result_lines(const Summary& s, const std::string& folder) {
  const EpochRecord* last = nullptr;
  const EpochRecord* measured = nullptr;
  for (const EpochRecord& e : s.epochs) {
    last = &e;
    if (!e.metrics.empty()) measured = &e;
  }
  std::string text = "result:  " + s.model + " under " + s.sync;
  if (last) text += format("  loss %.5g", last->loss);
  if (measured) text += metrics_text(measured->metrics);
  if (s.totals.ended_early) text += format("\nended early, with %zu whole epochs", s.epochs.size());
  text += "\n" + human_count(static_cast<double>(s.totals.samples)) + " samples in " +
          human_seconds(s.seconds) + (s.world == "sim" ? " of virtual time" : "");
  text += format(", %u node%s x %u worker%s", s.nodes, s.nodes == 1 ? "" : "s", s.workers / s.nodes,
                 s.workers == s.nodes ? "" : "s");
  if (s.nodes > 1) text += ", " + human_count(static_cast<double>(s.totals.bytes_sent)) + "B sent";
  text += "\n";
  if (s.nodes > 1) text += locality_line(s.totals.tables.total());
  text += survived_line(s.totals.history, last && last->spread);
  text += rounds_line(s.totals.rounds) + gaps_line(s.totals.gaps);
  return text + "summary: " + folder + "/summary.json\n";
}

ProgressOptions progress_options(const Flags& flags) {
  ProgressOptions options;
  options.out = flags.json ? stderr : stdout;
  options.quiet = flags.quiet;
  options.terminal = flags.terminal;
  options.colour = flags.colour;
  options.lowest = flags.verbose ? Level::debug : Level::warning;
  return options;
}

void Progress::write(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), options_.out);
  std::fflush(options_.out);
}

void Progress::clear_live() {
  if (live_shown_) write("\r\x1b[K");
  live_shown_ = false;
}

void Progress::text(std::string_view lines) {
  if (options_.quiet) return;
  std::lock_guard lock(mutex_);
  clear_live();
  write(lines);
}

void Progress::epoch(const EpochRecord& epoch, uint32_t epochs) {
  text(epoch_line(epoch, epochs) + "\n");
}

void Progress::result(const Summary& summary, const std::string& folder) {
  std::string lines = result_lines(summary, folder);
  if (options_.colour) lines = "\x1b[1m" + lines.insert(lines.find('\n'), "\x1b[0m");
  text(lines);
}

void Progress::log(Level level, std::string_view line) {
  if (level < options_.lowest) return;
  std::lock_guard lock(mutex_);
  clear_live();
  std::fflush(options_.out);
  std::fprintf(stderr, "hemiola: %.*s\n", static_cast<int>(line.size()), line.data());
}

bool Progress::wants_live() {
  if (options_.quiet || !options_.terminal) return false;
  return std::chrono::steady_clock::now() - last_live_ >= kLiveInterval;
}

void Progress::live(const LiveState& state) {
  std::lock_guard lock(mutex_);
  last_live_ = std::chrono::steady_clock::now();
  write("\r" + live_line(state) + "\x1b[K");
  live_shown_ = true;
}

}  // namespace hemiola

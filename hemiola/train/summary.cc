#include "hemiola/train/summary.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "hemiola/core/check.h"
#include "hemiola/data/publish.h"
#include "hemiola/train/json_text.h"

namespace hemiola {
namespace {

void make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw UserError("cannot make the folder " + folder + ": " + error.message());
}

}  // namespace

void WorkerTotals::add_earlier(const WorkerTotals& earlier) {
  time += earlier.time;
  WorkerStats unnamed = earlier.tables;
  for (TableStats& table : unnamed.tables) table.waited_for.clear();
  tables += unnamed;
  delays += earlier.delays;
  gaps.held += earlier.gaps.held;
  gaps.passed_over += earlier.gaps.passed_over;
  for (const auto& [reason, count] : earlier.rounds) rounds[reason] += count;
}

void write_summary(const std::string& folder, const Summary& summary) {
  make_folder(folder);
  const std::string text = to_json(summary);
  Publisher file(folder + "/summary.json");
  file.write(text.data(), text.size());
  file.commit();
}

MetricsFile::MetricsFile(const std::string& folder) : path_(folder + "/metrics.jsonl") {
  make_folder(folder);
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) {
    throw UserError("cannot write " + path_ + ": " + std::generic_category().message(errno));
  }
}

MetricsFile::~MetricsFile() { ::close(fd_); }

// One write for the whole line, so a kill leaves no half of it.
void MetricsFile::add(const EpochRecord& epoch) {
  const std::string line = to_json_line(epoch);
  if (::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    throw UserError("cannot write " + path_ + ": " + std::generic_category().message(errno));
  }
}

}  // namespace hemiola

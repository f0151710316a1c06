#include "hemiola/train/report.h"

#include <csignal>
#include <cstdio>

#include "hemiola/train/json_text.h"

namespace hemiola {

Report::Report(const Job& job, const Task& task, const Flags& flags, std::string world,
               double load_seconds, Progress& progress)
    : flags_(flags), epochs_(job.train.epochs), progress_(progress), metrics_(flags.out) {
  summary_.job = job.job.name;
  summary_.model = job.model.kind;
  summary_.sync = sync_text(job);
  summary_.world = std::move(world);
  summary_.seed = job.job.seed;
  summary_.nodes = job.cluster.nodes;
  summary_.workers = job.cluster.nodes * job.cluster.workers;
  summary_.load_seconds = load_seconds;
  if (flags.resume) summary_.resumed = ResumedFrom{flags.resume.path, flags.resume.epoch};
  for (const TableSpec& table : task.tables()) summary_.table_names.push_back(table.name);
}

void Report::epoch(const EpochRecord& record) {
  summary_.epochs.push_back(record);
  metrics_.add(record);
  progress_.epoch(record, epochs_);
}

void Report::done_before(const std::vector<EpochRecord>& records) {
  for (size_t e = summary_.epochs.size(); e < records.size(); ++e) {
    summary_.epochs.push_back(records[e]);
    metrics_.add(records[e]);
  }
}

void Report::finished(const RunTotals& totals, double seconds) {
  summary_.totals = totals;
  summary_.view_changes = totals.view_changes;
  summary_.seconds = seconds;
  has_result_ = true;
}

void Report::saved(const std::string& folder, uint64_t bytes,
                   const std::vector<uint32_t>& elsewhere) {
  model_line_ = "model:   " + folder + "  " + human_bytes(bytes) + "\n";
  if (elsewhere.empty()) return;
  std::string ranks;
  for (const uint32_t n : elsewhere) ranks += (ranks.empty() ? "" : ", ") + std::to_string(n);
  progress_.log(Level::warning,
                "the model is in parts: those of the nodes of rank " + ranks + " are not in " +
                    folder + " but in a folder of that name where they are; copy them together");
}

void Report::set_traffic(uint64_t bytes, uint64_t messages, double cpu_seconds) {
  summary_.totals.bytes_sent = bytes;
  summary_.totals.messages = messages;
  summary_.totals.cpu_seconds = cpu_seconds;
}

void Report::publish() {
  // An interrupt waits until the file stands, so that no half of it is left behind.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  try {
    write_summary(flags_.out, summary_);
  } catch (...) {
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  progress_.result(summary_, flags_.out);
  if (!model_line_.empty()) progress_.text(model_line_);
  if (flags_.json) {
    const std::string json = to_json(summary_);
    std::fwrite(json.data(), 1, json.size(), stdout);
    std::fflush(stdout);
  }
}

std::string sync_text(const Job& job) {
  std::string text = job.sync.scheme.value_or("auto");
  for (const auto& [table, scheme] : job.sync.tables) text += " " + table + "=" + scheme;
  if (job.sync.placement != "static") text += " placement=" + job.sync.placement;
  for (const auto& [table, placement] : job.sync.placements) {
    text += " " + table + ".placement=" + placement;
  }
  return text;
}

}  // namespace hemiola

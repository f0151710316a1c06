// For tests: the nodes of a job, each with a thread that does what its worker does at checkpoints.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "hemiola/core/check.h"
#include "hemiola/data/faulty_disk_for_test.h"
#include "hemiola/train/checkpoint.h"
#include "hemiola/train/checkpoint_folder.h"
#include "hemiola/train/model_for_test.h"

namespace hemiola {

// Sums as the cluster's, over so many threads.
class Meeting {
 public:
  explicit Meeting(size_t members) : members_(members) {}

  std::vector<double> sum(std::vector<double> own) {
    std::unique_lock lock(mutex_);
    if (come_ == 0) sum_.assign(own.size(), 0);
    HEMIOLA_CHECK(sum_.size() == own.size());
    for (size_t i = 0; i < own.size(); ++i) sum_[i] += own[i];
    const uint64_t round = round_;
    if (++come_ == members_) {
      come_ = 0;
      ++round_;
      result_ = sum_;
      changed_.notify_all();
    }
    changed_.wait(lock, [&] { return round_ != round; });
    return result_;
  }

 private:
  const size_t members_;
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t come_ = 0;
  uint64_t round_ = 0;
  std::vector<double> sum_, result_;
};

class QuietPort final : public WorkerPort {
 public:
  explicit QuietPort(WorkerId worker) : worker_(worker) {}
  WorkerId worker() const override { return worker_; }
  void post(Call&) override { HEMIOLA_CHECK(false); }
  void wait(Call&) override {}
  Instant now() override { return time_ = time_ + milliseconds(1); }
  void spend(Duration) override {}
  void sleep(Duration) override {}

 private:
  WorkerId worker_;
  Instant time_;
};

// A job whose rows hold what epoch they are of: row k of an epoch e is k + 1000 e, state included.
struct CheckpointedJob {
  CheckpointedJob(std::string folder, uint32_t nodes, const FileStore& store = disk(),
                  CheckpointOptions wanted = {.every = {.epochs = 1}, .buffer_bytes = 64})
      : options(std::move(wanted)) {
    options.folder = std::move(folder);
    for (uint32_t n = 0; n < nodes; ++n) {
      sets.push_back(test_tables(shapes(), n, nodes));
      checkpoints.push_back(std::make_unique<Checkpoints>(
          options, about(), 0,
          [this](Level, const std::string& line) {
            const std::lock_guard lock(mutex);
            said.push_back(line);
          },
          store));
    }
  }

  static std::vector<TestTable> shapes() {
    return {{"words", std::vector<std::vector<float>>(23, {0, 0, 0}), {}, 2},
            {"plain", std::vector<std::vector<float>>(5, {0}), {}, 0}};
  }
  static CheckpointManifest about() {
    CheckpointManifest m;
    m.job = "job";
    m.model = "mf";
    m.scheme = "bsp";
    m.seed = 3;
    m.tables = {{"words", 23, 3, 2}, {"plain", 5, 1, 0}};
    return m;
  }
  static float value(uint32_t key, uint32_t epoch) {
    return static_cast<float>(key + 1000 * epoch);
  }

  // Trains one more epoch, and comes to the point behind it.
  void epoch(bool last = false, double seconds = 1) {
    elapsed += seconds;
    agenda.close(agenda.pass(), {{0.5, 10}, {}, elapsed});
    agenda.close(agenda.pass(), {{}, {}, elapsed});
    const uint32_t now = agenda.pass() / 2;
    for (const auto& set : sets) {
      for (uint32_t t = 0; t < set->size(); ++t) {
        const Rows& rows = set->rows(TableId{t});
        rows.for_each_owned([&](Key key, const float* row) {
          std::fill_n(const_cast<float*>(row), rows.row_length(), value(key.value, now));
        });
      }
    }
    Meeting meeting(sets.size());
    std::vector<std::thread> threads;
    for (uint32_t n = 0; n < sets.size(); ++n) {
      threads.emplace_back([&, n] {
        QuietPort port(WorkerId{n});
        Checkpoints::Point point{.passes = agenda.totals(),
                                 .elapsed = elapsed,
                                 .last = last,
                                 .tables = *sets[n],
                                 .examples = 10,
                                 .epochs = [&] { return std::vector<EpochRecord>(now); }};
        checkpoints[n]->at(point, port, [&](auto own) { return meeting.sum(std::move(own)); });
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  // The same, and waits until its checkpoint is written.
  void whole_epoch() {
    epoch();
    settle();
  }
  void settle() {
    for (const auto& c : checkpoints) c->finish(true);
  }

  CheckpointOptions options;
  std::vector<std::unique_ptr<TableSet>> sets;
  std::mutex mutex;  // guards said
  std::vector<std::string> said;
  std::vector<std::unique_ptr<Checkpoints>> checkpoints;
  Agenda agenda;
  double elapsed = 0;
};

}  // namespace hemiola

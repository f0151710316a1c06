// From a job to a task: reads or makes the data and sets up the model.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hemiola/data/libsvm.h"
#include "hemiola/data/lines.h"
#include "hemiola/data/ratings.h"
#include "hemiola/models/task.h"
#include "hemiola/table/options.h"
#include "hemiola/train/options.h"

namespace hemiola {

// A task and the data that it borrows. Stays where it was made.
class LoadedTask {
 public:
  // REQUIRES: the job is resolved. Throws UserError: files, lines, settings that cannot be.
  LoadedTask(const Job& job, const Runner& run);
  LoadedTask(const LoadedTask&) = delete;
  LoadedTask& operator=(const LoadedTask&) = delete;

  const Task& task() const { return *task_; }
  // "900 k ratings to train on, 100 k to test; 6000 users, 4000 items".
  const std::string& description() const { return description_; }

 private:
  void load_ratings(const Job& job, const Runner& run);
  void load_examples(const Job& job, const Runner& run);
  void make_examples(const Job& job, const Runner& run);
  void read_examples(const Job& job, const Runner& run);
  void set_up_mf(const Job& job);
  void set_up_linear(const Job& job);

  RatingsSplit ratings_;
  SparseExamples train_, test_;
  std::string floor_;  // what the planted model reaches, in words; empty for real data
  std::string description_;
  std::unique_ptr<Task> task_;
};

// The task's tables under the job's schemes. Throws UserError for a scheme of a table that is
// not there.
std::vector<TableOptions> table_options(const Job& job, const Task& task);

}  // namespace hemiola

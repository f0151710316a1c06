// From a job to a task: reads or makes the data and sets up the model.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hemiola/average/replica.h"
#include "hemiola/data/dictionary.h"
#include "hemiola/data/libsvm.h"
#include "hemiola/data/lines.h"
#include "hemiola/data/ratings.h"
#include "hemiola/data/triples.h"
#include "hemiola/models/task.h"
#include "hemiola/table/options.h"
#include "hemiola/table/sampling.h"
#include "hemiola/train/options.h"

namespace hemiola {

struct Images;
struct LoadedText;

// What the rows of a table are called; empty when they have only numbers. A row that has no name
// among named ones (the inverse of a relation) has the empty one.
using RowNames = std::function<std::string_view(uint32_t row)>;

// A task and the data that it borrows. Stays where it was made.
class LoadedTask {
 public:
  // REQUIRES: the job is resolved. Throws UserError: files, lines, settings that cannot be.
  LoadedTask(const Job& job, const Runner& run);
  // One that was made elsewhere.
  explicit LoadedTask(std::unique_ptr<Task> task);
  ~LoadedTask();
  LoadedTask(const LoadedTask&) = delete;
  LoadedTask& operator=(const LoadedTask&) = delete;

  const Task& task() const { return *task_; }
  // "900 k ratings to train on, 100 k to test; 6000 users, 4000 items".
  const std::string& description() const { return description_; }
  // Of entities, relations, words. Valid as long as this object.
  RowNames row_names(TableId table) const;

 private:
  void load_ratings(const Job& job, const Runner& run);
  void load_examples(const Job& job, const Runner& run);
  void make_examples(const Job& job, const Runner& run);
  void read_examples(const Job& job, const Runner& run);
  void set_up_mf(const Job& job);
  void set_up_linear(const Job& job);
  void set_up_count(const Job& job);
  void load_triples(const Job& job, const Runner& run);
  void set_up_kge(const Job& job);
  void load_text(const Job& job, const Runner& run);
  void set_up_word2vec(const Job& job);
  void load_images(const Job& job);
  void set_up_dense(const Job& job);

  RatingsSplit ratings_;
  SparseExamples train_, test_;
  TripleData triples_;
  std::unique_ptr<LoadedText> text_;
  std::unique_ptr<Images> train_images_, test_images_;
  std::string floor_;  // what the planted model reaches, in words; empty for real data
  std::string description_;
  std::map<std::string, const Dictionary*> dictionaries_;  // by table
  std::unique_ptr<Task> task_;
};

// The task's tables under the job's schemes and placements. Throws UserError for one of a table
// that is not there.
std::vector<TableOptions> table_options(const Job& job, const Task& task);

// The workers' models on one node; none under schemes of tables.
// `speeds`: for sync.compress = "auto".
std::unique_ptr<ReplicaSet> replicas_for(const Job& job, const Task& task, const Place& place,
                                         std::vector<CodecSpeed> speeds);

// What the task draws from, in the job's way.
Sampling sampling_of(const Job& job, const Task& task);

}  // namespace hemiola

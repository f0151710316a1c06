// Replicas: whole models, one for each worker, and where in them the averaged numbers stand.
//
// The worker trains in rows(). Others know of it by values(): the model's own numbers, packed,
// without padding and without the optimiser's state, which stays with its worker. A strategy
// reads and changes values() only.
//
// Thread safety: rows() is the worker's. All else is the loop's, and take_in() and give_out() are
// called while the worker waits in a call.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hemiola/average/options.h"
#include "hemiola/core/arena.h"
#include "hemiola/core/place.h"
#include "hemiola/core/table_spec.h"

namespace hemiola {

class ReplicaLayout {
 public:
  explicit ReplicaLayout(std::span<const TableSpec> tables);

  size_t floats() const { return floats_; }  // of a replica
  size_t values() const { return values_; }  // of them, those that are averaged
  // Row k of a table is at table_at(table) + k * stride(table).
  size_t table_at(TableId table) const { return tables_[table.value].at; }
  size_t stride(TableId table) const { return tables_[table.value].stride; }
  std::span<const TableSpec> tables() const { return specs_; }

  // The values stand in a replica one after the other, without gaps.
  bool plain() const { return runs_.size() == 1 && runs_[0].times == 1; }

  // Calls f(float* in the replica, size_t at among the values, size_t count) for each run.
  template <class F>
  void for_each_run(float* replica, F&& f) const {
    size_t at = 0;
    for (const Run& run : runs_) {
      for (size_t i = 0; i < run.times; ++i, at += run.count) {
        f(replica + run.from + i * run.stride, at, run.count);
      }
    }
  }

  // Initial values of all rows, states included.
  void initialise(float* replica) const;

 private:
  struct Table {
    size_t at = 0, stride = 0;
  };
  struct Run {
    size_t from = 0, stride = 0, count = 0, times = 0;
  };

  std::vector<TableSpec> specs_;
  std::vector<Table> tables_;
  std::vector<Run> runs_;
  size_t floats_ = 0, values_ = 0;
};

class Replica {
 public:
  // floating: values() may change while the worker computes; what it computes is then added.
  Replica(const ReplicaLayout& layout, bool floating);

  float* rows() const { return rows_.data(); }
  std::span<float> values() { return values_; }

  // Adds `times` what the worker has changed since the last give_out().
  // REQUIRES: floating, or times == 1.
  void take_in(float times = 1);
  // The worker goes on from values() * scale.
  void give_out(float scale = 1);

 private:
  const ReplicaLayout& layout_;
  Arena<float> rows_;
  Arena<float> own_values_;  // empty: values are the rows themselves
  Arena<float> base_;        // floating: what the worker got at the last give_out()
  std::span<float> values_;
};

// Those of the workers of one node, and the mean of all workers' of the job.
class ReplicaSet {
 public:
  // Throws UserError for a model that cannot be replicated.
  ReplicaSet(std::vector<TableSpec> tables, Place place, AverageOptions options);

  const Place& place() const { return place_; }
  const AverageOptions& options() const { return options_; }
  const ReplicaLayout& layout() const { return layout_; }

  // Under another view: this node's workers keep their replicas, and are numbered anew.
  void move_to(Place place) { place_ = place; }
  // This node came to a job that had begun: its replicas know nothing until a mean is in them.
  bool knows_nothing() const { return knows_nothing_; }
  void set_knows_nothing(bool nothing) { knows_nothing_ = nothing; }

  // Values that all workers of the job know alike: those they began with, or the mean that was
  // taken when the view changed.
  std::span<const float> common_start() const { return common_start_; }
  void set_common_start(std::span<const float> values) {
    common_start_.assign(values.begin(), values.end());
  }

  // As long as the values, and not part of them: see Crew::carried().
  std::span<const float> carried() const { return carried_; }
  void set_carried(std::span<const float> values) { carried_.assign(values.begin(), values.end()); }

  bool here(WorkerId worker) const { return place_.node_of(worker) == place_.self; }
  Replica& of(WorkerId worker) const {
    return *replicas_[worker.value - place_.first_worker().value];
  }

  // Laid out like a replica; its optimiser states have no meaning. Written while all workers of
  // the node wait in a MeanCall.
  float* mean() const { return mean_.data(); }

 private:
  Place place_;
  AverageOptions options_;
  ReplicaLayout layout_;
  std::vector<std::unique_ptr<Replica>> replicas_;
  std::vector<float> common_start_;  // kept only where a codec needs it
  std::vector<float> carried_;
  bool knows_nothing_ = false;
  Arena<float> mean_;
};

// Vectors with other bits have another one, nearly always.
uint64_t fingerprint_of(std::span<const float> values);

// Whether others change a worker's values while it computes.
bool floats_under(const AverageRule& rule);
// Whether something as long as the values goes from one view to the next beside them: momentum.
bool carries_over(const AverageRule& rule);

}  // namespace hemiola

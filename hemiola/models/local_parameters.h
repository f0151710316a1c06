// Parameters that live in one process and nowhere else: for tests, benches and small programs.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "hemiola/core/arena.h"
#include "hemiola/core/distribution.h"
#include "hemiola/models/parameters.h"

namespace hemiola {

// Rows of all tables, with their initial values. Shared by any number of LocalParameters.
class LocalTables {
 public:
  // latched: changes of rows take latches, so that none is lost between threads.
  LocalTables(std::span<const TableSpec> specs, bool latched);
  // On memory of somebody else's that outlives this: `rows` by table. Without latches.
  LocalTables(std::span<const TableSpec> specs, std::span<const Parameters::Direct> rows);

  size_t size() const { return tables_.size(); }
  Parameters::Direct all(TableId table) const;
  std::span<float> row(TableId table, Key key) const;
  Latches& latches(TableId table) const { return *tables_[table.value].latches; }
  uint32_t row_count(TableId table) const { return tables_[table.value].spec.rows; }

 private:
  struct Table {
    TableSpec spec;
    Parameters::Direct rows;
    Arena<float> own;
    std::unique_ptr<Latches> latches;
  };
  std::vector<Table> tables_;
};

// One worker's view. by_pointer: direct() gives nothing, so that a model takes the way that it
// takes when rows are on other machines.
class LocalParameters : public Parameters {
 public:
  explicit LocalParameters(LocalTables& tables, bool by_pointer = false)
      : tables_(tables), by_pointer_(by_pointer) {}
  // For a task that draws samples: independent draws of Task::samplers().
  LocalParameters(LocalTables& tables, std::span<const SamplerSpec> samplers, uint64_t seed,
                  bool by_pointer = false)
      : tables_(tables),
        by_pointer_(by_pointer),
        samplers_(samplers.begin(), samplers.end()),
        random_(seed) {}

  // From here on draws depend on the seed and on nothing from before.
  void draw_anew(uint64_t seed) { random_ = Random(seed); }

  std::optional<Direct> direct(TableId table) override;
  void rows(TableId table, std::span<const Key> keys, Access access,
            std::span<float*> out) override;
  void intend(TableId, std::span<const Key> keys, uint32_t, uint32_t) override {
    intended_ += keys.size();
  }
  Samples prepare_sample(uint32_t sampler, uint32_t n, uint32_t first, uint32_t last) override;
  void sample(Samples samples, std::span<Key> keys) override;
  Latches& latches(TableId table) override { return tables_.latches(table); }
  void step(size_t examples) override;

  size_t steps() const { return steps_; }
  size_t examples() const { return examples_; }
  size_t fetched() const { return fetched_; }
  size_t intended() const { return intended_; }

 private:
  struct Announced {
    uint32_t sampler = 0;
    uint32_t left = 0;
  };

  LocalTables& tables_;
  bool by_pointer_;
  std::vector<Distribution> samplers_;
  std::deque<Announced> announced_;  // by ticket, from first_ on
  uint32_t first_ = 0;
  Random random_{1};
  size_t steps_ = 0;
  size_t examples_ = 0;
  size_t fetched_ = 0;
  size_t intended_ = 0;
};

}  // namespace hemiola

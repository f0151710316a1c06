// Parameters that live in one process and nowhere else: for tests, benches and small programs.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "hemiola/core/arena.h"
#include "hemiola/models/parameters.h"

namespace hemiola {

// Rows of all tables, with their initial values. Shared by any number of LocalParameters.
class LocalTables {
 public:
  // latched: changes of rows take latches, so that none is lost between threads.
  LocalTables(std::span<const TableSpec> specs, bool latched);

  size_t size() const { return tables_.size(); }
  Parameters::Direct all(TableId table) const;
  std::span<float> row(TableId table, Key key) const;
  Latches& latches(TableId table) const { return *tables_[table.value].latches; }
  uint32_t row_count(TableId table) const { return tables_[table.value].spec.rows; }

 private:
  struct Table {
    TableSpec spec;
    size_t stride = 0;
    Arena<float> rows;
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

  std::optional<Direct> direct(TableId table) override;
  void rows(TableId table, std::span<const Key> keys, Access access,
            std::span<float*> out) override;
  void prefetch(TableId, std::span<const Key> keys) override { prefetched_ += keys.size(); }
  Latches& latches(TableId table) override { return tables_.latches(table); }
  void step(size_t examples) override;

  size_t steps() const { return steps_; }
  size_t examples() const { return examples_; }
  size_t fetched() const { return fetched_; }
  size_t prefetched() const { return prefetched_; }

 private:
  LocalTables& tables_;
  bool by_pointer_;
  size_t steps_ = 0;
  size_t examples_ = 0;
  size_t fetched_ = 0;
  size_t prefetched_ = 0;
};

}  // namespace hemiola

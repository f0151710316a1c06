// For tests: models saved by as many nodes as one likes, without a run.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hemiola/core/check.h"
#include "hemiola/data/temp_folder.h"
#include "hemiola/train/model_store.h"

namespace hemiola {

struct TestTable {
  std::string name;
  std::vector<std::vector<float>> rows;  // the values
  std::vector<std::string> names;        // empty: none
  uint32_t state_columns = 0;            // row k's are all -k
};

// The tables as one node of several holds them.
inline std::unique_ptr<TableSet> test_tables(const std::vector<TestTable>& tables, uint32_t self,
                                             uint32_t nodes) {
  std::vector<TableOptions> options;
  for (const TestTable& t : tables) {
    TableOptions o;
    o.spec.name = t.name;
    o.spec.rows = static_cast<uint32_t>(t.rows.size());
    o.spec.value_columns = static_cast<uint32_t>(t.rows[0].size());
    o.spec.row_length = o.spec.value_columns + t.state_columns;
    options.push_back(o);
  }
  auto set = std::make_unique<TableSet>(options, Place{NodeId{self}, nodes, 1});
  for (uint32_t t = 0; t < tables.size(); ++t) {
    const Rows& rows = set->rows(TableId{t});
    for (uint32_t i = 0; i < rows.partition().owned_by(NodeId{self}); ++i) {
      const uint32_t key = rows.partition().key(NodeId{self}, i).value;
      float* row = rows.owned(i);
      for (const float v : tables[t].rows[key]) *row++ = v;
      std::fill_n(row, tables[t].state_columns, -static_cast<float>(key));
    }
  }
  return set;
}

inline std::vector<RowNames> test_names(const std::vector<TestTable>& tables) {
  std::vector<RowNames> names;
  for (const TestTable& t : tables) {
    names.push_back(t.names.empty() ? RowNames() : [list = t.names](uint32_t row) {
      return std::string_view(list[row]);
    });
  }
  return names;
}

// What the workers of a job do, one node after the other.
inline void take_steps(const std::vector<std::unique_ptr<ModelSaver>>& nodes,
                       std::vector<double>& sums) {
  for (uint32_t s = 0; s < ModelSaver::kSteps; ++s) {
    std::vector<double> next(nodes[0]->length());
    for (const auto& node : nodes) {
      const auto part = node->step(s, sums);
      for (size_t i = 0; i < next.size(); ++i) next[i] += part[i];
    }
    sums = next;
  }
}

inline void save_model(const std::string& folder, const Manifest& about,
                       const std::vector<TestTable>& tables, uint32_t nodes = 1) {
  std::vector<std::unique_ptr<TableSet>> sets;
  std::vector<std::unique_ptr<ModelSaver>> savers;
  for (uint32_t n = 0; n < nodes; ++n) {
    sets.push_back(test_tables(tables, n, nodes));
    savers.push_back(std::make_unique<ModelSaver>(folder, about, test_names(tables), *sets.back()));
  }
  std::vector<double> sums;
  take_steps(savers, sums);
  for (const auto& saver : savers) saver->finish(sums);
}

// The text of the UserError that `doing` ends with.
template <class Doing>
std::string refusal_of(Doing&& doing) {
  try {
    doing();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace hemiola

// A finished model on disk: every node writes the rows that it owns, and any number of readers put
// them together again. model_manifest.h says which files there are.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hemiola/core/arena.h"
#include "hemiola/data/dictionary.h"
#include "hemiola/data/safetensors.h"
#include "hemiola/table/table_set.h"
#include "hemiola/train/model_manifest.h"
#include "hemiola/train/task_factory.h"

namespace hemiola {

// One node's part in saving a model. The nodes go through kSteps steps together; behind each of
// them what step() gives is added up over all nodes, so that none goes on before all are there.
// A model that was there before stays until the new one is on all disks.
//
// REQUIRES: nobody trains, from before the first step to the end.
class ModelSaver {
 public:
  static constexpr uint32_t kSteps = 3;

  // `about`: without its tables. `names`: by table, used on node 0 only; a row whose name is empty
  // is called by its number, "#17".
  ModelSaver(std::string folder, Manifest about, std::vector<RowNames> names,
             const TableSet& tables);

  // Of what step() gives.
  size_t length() const;

  // `sums`: of the step before. What goes wrong is kept, and told to the others by what is given.
  std::vector<double> step(uint32_t number, std::span<const double> sums);

  // Behind the last step: node 0 writes the names and the manifest. Throws UserError with what
  // went wrong on this node; one who failed has left nothing behind.
  void finish(std::span<const double> sums);

  const std::string& folder() const { return folder_; }
  // Of all files but the manifest, once it is written; 0: it was not, for a failure elsewhere.
  uint64_t bytes() const { return bytes_; }
  // Behind finish(), on node 0: of nodes that do not see its folder, whose parts are in their own.
  const std::vector<uint32_t>& elsewhere() const { return elsewhere_; }

 private:
  bool leads() const { return tables_.place().self.value == 0; }
  size_t place_of(size_t table, uint32_t node) const;
  void write_shards(std::span<double> out);
  void write_shard(const Rows& rows, std::span<double> out);
  void take_shards(std::span<const double> sums);
  void remove_old_model() const;
  void write_names(size_t table);

  const std::string folder_;
  Manifest manifest_;
  const std::vector<RowNames> names_;
  const TableSet& tables_;
  std::vector<std::unique_ptr<SafetensorsWriter>> shards_;  // by table, until they are in place
  std::string failure_;
  uint64_t bytes_ = 0;
  std::vector<uint32_t> elsewhere_;
};

// That of a node of the job, for the folder `model` in `out`; none when train.save is false.
std::unique_ptr<ModelSaver> saver_for(const Job& job, const std::string& out,
                                      const LoadedTask& loaded, const TableSet& tables);

// A matrix of its own.
struct Matrix {
  uint32_t rows = 0, columns = 0;
  Arena<float> data;

  Matrix() = default;
  Matrix(uint32_t r, uint32_t c) : rows(r), columns(c), data(size_t{r} * c) {}
  std::span<float> row(uint32_t r) const { return {data.data() + size_t{r} * columns, columns}; }
};

// A saved model. All throw UserError, one sentence that names the file, for what is missing,
// damaged or does not fit together.
class ModelReader {
 public:
  // `folder`: of the run or of the model in it.
  explicit ModelReader(const std::string& folder);

  const std::string& folder() const { return folder_; }  // of the model
  const Manifest& manifest() const { return manifest_; }
  // Of the run, where other things about it may be written.
  const std::string& run_folder() const { return run_folder_; }

  // Throws UserError that names the tables there are.
  const StoredTable& table(std::string_view name) const;

  // Calls f(key, values, state) for each row of the table once, in the order of the shards: one
  // pass with little memory, for those who keep only some rows. Checks each shard as a whole, and
  // that together they have each row once.
  using EachRow = std::function<void(Key, std::span<const float>, std::span<const float>)>;
  void for_each_row(const StoredTable& table, const EachRow& f) const;

  // In order of keys.
  Matrix values(const StoredTable& table) const;
  // Empty when the table's rows have no names; else the number of a name is its row.
  Dictionary names(const StoredTable& table) const;

 private:
  std::string folder_, run_folder_;
  Manifest manifest_;
};

}  // namespace hemiola

// A whole checkpoint, open: any row of the model, and what each worker had.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hemiola/average/state_fields.h"
#include "hemiola/core/types.h"
#include "hemiola/data/safetensors.h"
#include "hemiola/train/checkpoint_folder.h"

namespace hemiola {

// Files are mapped, so memory is taken by what is read only; and, where rows had moved, 8 bytes
// for each.
class CheckpointReader {
 public:
  // REQUIRES: it was verified. Throws UserError for one that is not as its manifest says.
  explicit CheckpointReader(GoodCheckpoint checkpoint);

  const std::string& path() const { return good_.path; }
  const CheckpointManifest& manifest() const { return good_.manifest; }

  // A row of the model, the optimiser's state behind it: of tables as it was, of replicas the mean
  // of all. row.size() is that of the table.
  void row(TableId table, Key key, std::span<float> row) const;

  // Of averages.
  void replica_row(WorkerId worker, TableId table, Key key, std::span<float> row) const;

  // Gives what the scheme kept on a node. Its functions throw UserError for what is not there.
  std::unique_ptr<StateFields> kept(uint32_t node) const;

 private:
  // A tensor of rows.
  struct RowsIn {
    std::span<const std::byte> bytes;
    size_t length = 0;  // of a row
    void copy(size_t row, std::span<float> out) const;
  };
  // Where the rows of a table stand.
  struct Table {
    std::vector<RowsIn> shards;    // of tables
    bool in_turn = true;           // key k is row k / nodes of shard k % nodes
    std::vector<uint64_t> where;   // else by key: shard and row
    std::vector<RowsIn> replicas;  // of averages, by worker
    RowsIn mean;
  };

  const CheckpointTable& spec(size_t table) const { return good_.manifest.tables[table]; }
  RowsIn rows_in(const SafetensorsFile& file, const std::string& name, uint64_t rows,
                 uint64_t length) const;
  void open_table(size_t table);
  void index(size_t table);
  void open_replicas(size_t table);

  const GoodCheckpoint good_;
  std::vector<std::unique_ptr<SafetensorsFile>> files_;  // by node
  std::vector<Table> tables_;
};

}  // namespace hemiola

// What one node puts into a checkpoint. Its tensors:
//
//   TABLE.keys        u32 [rows]              rows of tables: the keys that the node owned, and
//   TABLE.rows        f32 [rows, row length]  their rows, with the optimiser's state at the end
//   worker.W.TABLE    f32 [rows, row length]  averages: the replica of each worker of the node
//   mean.TABLE        f32 [rows, columns]     of node 0: the mean of all replicas
//   average.NAME      f32 [length]            what the scheme keeps: residuals, momentum
//
// and numbers of the scheme as metadata of the file, "average.NAME".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "hemiola/average/replica.h"
#include "hemiola/average/state_fields.h"
#include "hemiola/data/safetensors.h"
#include "hemiola/table/table_set.h"
#include "hemiola/train/background.h"
#include "hemiola/train/checkpoint_manifest.h"

namespace hemiola {

// Takes pieces of data in order.
using Sink = std::function<void(std::span<const std::byte>)>;

// REQUIRES: from the first addition until feed() has returned, nobody trains.
class ShardContent {
 public:
  // The rows that the node owns.
  void add_tables(const TableSet& tables);
  // The replicas of its workers; `keep`: names the fields of the scheme to its argument.
  void add_replicas(const ReplicaSet& replicas, const std::function<void(StateFields&)>& keep);

  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  const TextPairs& metadata() const { return metadata_; }
  // By table.
  const std::vector<uint32_t>& rows() const { return rows_; }
  // Of rows that may move: a number for each table such that the sum over all nodes is that of
  // all keys if, as good as certainly, each row was taken by one node. Exact in a double.
  const std::vector<double>& key_sums() const { return key_sums_; }
  static double key_sum_of_all(uint32_t rows);

  void feed(const Sink& sink) const;

 private:
  using Feed = std::function<void(const Sink&)>;

  void add_table(const Rows& rows);
  void add(std::string name, DType type, std::vector<uint64_t> shape, Feed feed);
  void add_replica(const std::string& name, float* replica, const ReplicaLayout& layout,
                   bool values_only);

  std::vector<TensorInfo> tensors_;
  std::vector<Feed> feeds_;
  TextPairs metadata_;
  std::vector<uint32_t> rows_;
  std::vector<double> key_sums_;
};

// Hands `content` to the background, which writes it to `path`; returns when all was copied. The
// result may be asked for behind that in the background.
class ShardFile {
 public:
  ShardFile(std::string path, const FileStore& store) : path_(std::move(path)), store_(store) {}

  // Called by shared_ptr, since the background goes on with it.
  static void send(const std::shared_ptr<ShardFile>& file, const ShardContent& content,
                   Background& background);

  // Behind all else in the background: syncs the file and puts it in its place. Throws UserError
  // with the first thing that went wrong.
  StoredFile finish();

 private:
  void open(const std::vector<TensorInfo>& tensors, const TextPairs& metadata);
  void write(std::span<const std::byte> bytes);

  const std::string path_;
  const FileStore& store_;
  std::unique_ptr<SafetensorsWriter> writer_;
  std::string failure_;
};

}  // namespace hemiola

// Checkpoints of a run, written while it goes on.
//
// At the end of an epoch, when nobody trains, all nodes agree on the next checkpoint, copy what is
// theirs into buffers, and go on; a thread of each node writes the buffers, and syncs the file. It
// then tells node 0 by a small file beside it. When node 0 has these of all nodes it writes the
// manifest, and removes what is older than the checkpoints that are to be kept. So at any time the
// last one that is whole stays, and all nodes must see the folder: where one does not, which is
// found out before anything is written, there are no checkpoints, and a line says so.
//
// A disk that refuses costs the checkpoint and a line of warning; training goes on.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hemiola/average/replica.h"
#include "hemiola/core/machine.h"
#include "hemiola/core/worker_port.h"
#include "hemiola/data/file_store.h"
#include "hemiola/table/table_set.h"
#include "hemiola/train/background.h"
#include "hemiola/train/checkpoint_every.h"
#include "hemiola/train/checkpoint_manifest.h"
#include "hemiola/train/checkpoint_shard.h"
#include "hemiola/train/summary.h"

namespace hemiola {

struct CheckpointOptions {
  CheckpointEvery every;
  std::string folder;
  uint32_t keep = 2;
  // By number, of those that were there when the run went on from one: those behind it, up to the
  // last, are not kept.
  uint32_t resumed = 0, last_before = 0;
  size_t buffer_bytes = 1 << 20;
  size_t buffers = 64;
  // How long node 0 waits for the other nodes' parts behind its own; the second when it is known
  // that some node may not write it.
  double patience_seconds = 60, short_patience_seconds = 2;
};

// Of one node, for the whole run. Its workers share it.
class Checkpoints {
 public:
  using Log = std::function<void(Level, const std::string&)>;

  // `about`: what is the same in all checkpoints of the run. `elapsed`: of the run before it was
  // resumed.
  Checkpoints(CheckpointOptions options, CheckpointManifest about, double elapsed, Log log,
              const FileStore& store = disk());
  // Lets what is under way come to its end.
  ~Checkpoints();

  // Where an epoch has ended, with its evaluation.
  struct Point {
    const std::vector<PassTotals>& passes;
    double elapsed = 0;  // seconds since the run began
    bool last = false;   // of all epochs
    const TableSet& tables;
    ReplicaSet* replicas = nullptr;
    uint64_t examples = 0;  // of a pass
    std::function<std::vector<EpochRecord>()> epochs;

    uint32_t epoch() const { return static_cast<uint32_t>(passes.size() / 2); }
    bool moves() const;  // of rows: they may, at any time
    bool all_there(std::span<const double> found) const;
  };
  // Every worker of the job calls it at the same points. REQUIRES: nobody trains, and all that was
  // learnt is in the tables, or in replicas at rest.
  using Sum = std::function<std::vector<double>(std::vector<double>)>;  // over all workers
  void at(const Point& point, WorkerPort& port, const Sum& sum);

  // The view changes: node 0 does not wait long any more for the others.
  void hurry() { hurry_ = true; }
  // The run is over, `ok` or not: waits for what is under way.
  void finish(bool ok);

  // Of those that this node has begun to write, the numbers of those that may still be there.
  // REQUIRES: no worker runs.
  const std::vector<uint32_t>& begun() const { return begun_; }
  const std::string& folder() const { return options_.folder; }

  // Behind finish(): as this node saw it.
  CheckpointTotals totals() const;

 private:
  // One that is being written.
  struct Writing {
    CheckpointManifest manifest;  // shards apart
    std::string path;
    std::shared_ptr<ShardFile> file;
    std::vector<uint32_t> rows;
    uint32_t node = 0;
  };

  bool due(const Point& point, WorkerPort& port, const Sum& sum) const;
  struct Next {
    uint32_t sequence = 0;    // 0: none, since one is still being written
    bool has_folder = false;  // node 0 has made it
  };
  Next agree(const Point& point, bool speaks, const Sum& sum);
  std::string path_of(uint32_t sequence) const;
  bool make_folder(const std::string& path) const;
  bool all_see(const Point& point, uint32_t sequence, bool speaks, const Sum& sum);
  bool copy(const Point& point, uint32_t sequence, WorkerPort& port, const Sum& sum);
  std::optional<ShardContent> content(const Point& point, WorkerPort& port, const Sum& sum);
  void begin_writing(const Point& point, uint32_t sequence, const ShardContent& content);
  void end_of_writing(const std::shared_ptr<Writing>& writing);
  void publish(Writing& writing, const CheckpointShard& own);
  CheckpointShard wait_for_part(const Writing& writing, uint32_t node) const;

  const CheckpointOptions options_;
  const CheckpointManifest about_;
  const Log log_;
  const FileStore& store_;
  // Written by the first worker of the node only.
  std::vector<uint32_t> begun_;       // in order
  std::atomic<double> last_elapsed_;  // of the last checkpoint, in the run's own time
  CheckpointTotals totals_;           // but for what is counted in the background:
  std::atomic<uint64_t> written_{0}, failed_{0}, bytes_{0};
  std::atomic<bool> part_failed_{false};  // of this node, since the nodes agreed last
  std::atomic<bool> hurry_{false};
  bool said_blind_ = false;  // that not all nodes see the folder
  Background background_;
};

}  // namespace hemiola

// Rows that no node has any more, from the last checkpoint of the same run.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "hemiola/core/machine.h"
#include "hemiola/table/salvage.h"
#include "hemiola/train/checkpoint_reader.h"

namespace hemiola {

// Of one node. The nodes of a view agree on the newest that any of them knows to be of this run;
// the folder may hold checkpoints of others too.
class CheckpointRows final : public RowSource {
 public:
  using Log = std::function<void(Level, const std::string&)>;

  // begun: numbers of the checkpoints that this node has begun to write in this run, and that may
  // still be there, in order. resumed: the one that the run goes on from; empty: there is none.
  CheckpointRows(std::string folder, std::vector<uint32_t> begun, std::string resumed, Log log);

  // Of those begun, the newest that has a manifest.
  uint32_t newest() override;
  std::string open(uint32_t number) override;
  bool fill(TableId table, Key key, std::span<float> row) override;
  void close() override { reader_.reset(); }

 private:
  // Files up to so much in all are read whole, to compare their checksums; of larger ones the
  // sizes must do, since all nodes wait meanwhile.
  static constexpr uint64_t kVerifiedBytes = uint64_t{256} << 20;

  bool try_open(const std::string& path, const CheckpointManifest* newer);

  const std::string folder_;
  const std::vector<uint32_t> begun_;
  const std::string resumed_;
  const Log log_;
  std::optional<CheckpointReader> reader_;
};

}  // namespace hemiola

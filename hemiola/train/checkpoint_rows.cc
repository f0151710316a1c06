#include "hemiola/train/checkpoint_rows.h"

#include <algorithm>
#include <utility>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

// Whether it was written in the run of `newer`, before it: what their passes came to is the same,
// to the last bit of the times.
bool is_before(const CheckpointManifest& old, const CheckpointManifest& newer) {
  const auto& a = old.agenda.totals();
  const auto& b = newer.agenda.totals();
  return old.sequence <= newer.sequence && a.size() <= b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](const PassTotals& x, const PassTotals& y) {
           return x.blocks == y.blocks && x.reduced == y.reduced && x.ended == y.ended;
         });
}

}  // namespace

CheckpointRows::CheckpointRows(std::string folder, std::vector<uint32_t> begun, std::string resumed,
                               Log log)
    : folder_(std::move(folder)),
      begun_(std::move(begun)),
      resumed_(std::move(resumed)),
      log_(std::move(log)) {}

uint32_t CheckpointRows::newest() {
  for (auto number = begun_.rbegin(); number != begun_.rend(); ++number) {
    try {
      (void)read_manifest(folder_ + "/" + checkpoint_name(*number));
      return *number;
    } catch (const UserError&) {
      // It was not written to its end, or is damaged: an older one will do.
    }
  }
  return 0;
}

std::string CheckpointRows::open(uint32_t number) {
  reader_.reset();
  std::optional<CheckpointManifest> newest;
  if (number > 0) {
    auto places = checkpoints_in(folder_);
    std::erase_if(places, [&](const CheckpointPlace& p) { return p.sequence > number; });
    for (auto place = places.rbegin(); place != places.rend() && !reader_; ++place) {
      if (!try_open(place->path, newest ? &*newest : nullptr) && place->sequence == number) {
        try {
          newest = read_manifest(place->path);
        } catch (const UserError&) {
          break;  // which of the others are of this run cannot be known
        }
      }
    }
  }
  if (!reader_ && !resumed_.empty()) try_open(resumed_, nullptr);
  if (!reader_) return {};
  return "the checkpoint of epoch " + std::to_string(reader_->manifest().epoch()) + " (" +
         reader_->path() + ")";
}

bool CheckpointRows::try_open(const std::string& path, const CheckpointManifest* newer) {
  try {
    GoodCheckpoint good{path, read_manifest(path)};
    if (newer && !is_before(good.manifest, *newer)) return false;
    if (good.manifest.bytes() <= kVerifiedBytes) verify(path, good.manifest);
    reader_.emplace(std::move(good));
    return true;
  } catch (const UserError& error) {
    log_(Level::warning, std::string("a checkpoint is not used: ") + error.what());
    return false;
  }
}

bool CheckpointRows::fill(TableId table, Key key, std::span<float> row) {
  HEMIOLA_CHECK(reader_);
  reader_->row(table, key, row);
  return true;
}

}  // namespace hemiola

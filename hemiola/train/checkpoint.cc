#include "hemiola/train/checkpoint.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include "hemiola/average/calls.h"
#include "hemiola/core/check.h"
#include "hemiola/data/publish.h"
#include "hemiola/train/checkpoint_folder.h"

namespace hemiola {
namespace {

// Between two looks for another node's part, at first and later.
constexpr std::chrono::milliseconds kFirstLook(1), kLook(32);
constexpr std::chrono::duration<double> kSayWait(10);
constexpr int kTries = 1000;  // until rows that move have come to rest

void write_text(const std::string& path, const std::string& text, const FileStore& store) {
  Publisher file(path, store);
  file.write(text.data(), text.size());
  file.commit();
}

std::string name_of(const CheckpointManifest& m) {
  return "the checkpoint of epoch " + std::to_string(m.epoch());
}

}  // namespace

Checkpoints::Checkpoints(CheckpointOptions options, CheckpointManifest about, double elapsed,
                         Log log, const FileStore& store)
    : options_(std::move(options)),
      about_(std::move(about)),
      log_(std::move(log)),
      store_(store),
      last_elapsed_(elapsed),
      background_(options_.buffers, options_.buffer_bytes) {}

Checkpoints::~Checkpoints() { hurry_ = true; }

void Checkpoints::at(const Point& point, WorkerPort& port, const Sum& sum) {
  if (!due(point, port, sum)) return;
  const Instant start = port.now();
  const bool speaks = port.worker() == point.tables.place().first_worker();
  const Next next = agree(point, speaks, sum);
  const bool written =
      next.sequence > 0 && (!next.has_folder || all_see(point, next.sequence, speaks, sum));
  const bool copied = written && copy(point, next.sequence, port, sum);
  if (!speaks) return;
  last_elapsed_ = point.elapsed;
  if (!copied) ++totals_.left_out;
  if (point.last) return;  // nobody waits to train
  const double blocked = (port.now() - start).seconds();
  totals_.blocked += blocked;
  totals_.longest_blocked = std::max(totals_.longest_blocked, blocked);
}

// Worker 0's clock counts, so the others must hear of it.
bool Checkpoints::due(const Point& point, WorkerPort& port, const Sum& sum) const {
  if (options_.every.never()) return false;
  if (point.last) return true;
  if (options_.every.epochs > 0) return point.epoch() % options_.every.epochs == 0;
  const bool late = point.elapsed - last_elapsed_ >= options_.every.seconds;
  return sum({port.worker().value == 0 && late ? 1.0 : 0.0})[0] > 0;
}

// The checkpoint that all write now.
Checkpoints::Next Checkpoints::agree(const Point& point, bool speaks, const Sum& sum) {
  std::vector<double> own(4);
  const bool leads = speaks && point.tables.place().self.value == 0;
  if (speaks && point.last) background_.wait();
  if (leads) {
    const uint32_t sequence = next_sequence(options_.folder);
    own[0] = sequence;
    own[3] = make_folder(path_of(sequence)) ? 1 : 0;
  }
  if (speaks) own[1] = background_.idle() ? 0 : 1;
  if (speaks) own[2] = part_failed_.exchange(false) ? 1 : 0;
  const auto sums = sum(std::move(own));
  if (leads && sums[2] > 0) hurry_ = true;
  const Next next{static_cast<uint32_t>(sums[0]), sums[3] > 0};
  if (sums[1] == 0) return next;
  if (leads) {
    if (next.has_folder) remove_checkpoint(path_of(next.sequence), store_);
    log_(totals_.left_out == 0 ? Level::warning : Level::info,
         "no checkpoint of epoch " + std::to_string(point.epoch()) +
             ": the one before it is still being written");
  }
  return {};
}

std::string Checkpoints::path_of(uint32_t sequence) const {
  return options_.folder + "/" + checkpoint_name(sequence);
}

// False: the disk refuses, which is told by those who write.
bool Checkpoints::make_folder(const std::string& path) const {
  try {
    make_folders(options_.folder, store_);
    return store_.make_folder(path) == 0;
  } catch (const std::exception&) {
    return false;
  }
}

// Nodes that write into folders of their own would wait for each other's parts in vain.
bool Checkpoints::all_see(const Point& point, uint32_t sequence, bool speaks, const Sum& sum) {
  const Place& place = point.tables.place();
  std::vector<double> blind(place.nodes);
  if (speaks && !is_there(path_of(sequence))) blind[place.self.value] = 1;
  blind = sum(std::move(blind));
  const auto first = std::find_if(blind.begin(), blind.end(), [](double b) { return b > 0; });
  if (first == blind.end()) return true;
  if (!speaks || place.self.value != 0) return false;
  remove_checkpoint(path_of(sequence), store_);
  if (!std::exchange(said_blind_, true)) {
    log_(Level::warning, "no checkpoints are written: the node of rank " +
                             std::to_string(first - blind.begin()) + " does not see " +
                             options_.folder +
                             " of the first; let `checkpoint.dir` be a folder that all nodes "
                             "see, or `checkpoint.every` none");
  }
  return false;
}

// Returns when this node's part is copied, and all other nodes have copied theirs: nobody changes
// a row before.
bool Checkpoints::copy(const Point& point, uint32_t sequence, WorkerPort& port, const Sum& sum) {
  const bool speaks = port.worker() == point.tables.place().first_worker();
  const auto own = content(point, port, sum);
  if (!own) return false;
  if (speaks) begin_writing(point, sequence, *own);
  sum({});
  return true;
}

// What this node has to write; of those who do not speak for a node, something empty. None: rows
// are on their way from node to node, and do not come to rest.
std::optional<ShardContent> Checkpoints::content(const Point& point, WorkerPort& port,
                                                 const Sum& sum) {
  const bool speaks = port.worker() == point.tables.place().first_worker();
  for (int tries = 0; tries < kTries; ++tries) {
    ShardContent content;
    if (speaks && point.replicas) {
      content.add_replicas(*point.replicas, [&](StateFields& fields) {
        KeepCall keep;
        keep.fields = &fields;
        port.call(keep);
      });
    } else if (speaks) {
      content.add_tables(point.tables);
    }
    if (!point.moves()) return content;
    std::vector<double> found(2 * point.tables.size());
    for (size_t t = 0; t < content.rows().size(); ++t) {
      found[2 * t] = content.rows()[t];
      found[2 * t + 1] = content.key_sums()[t];
    }
    if (point.all_there(sum(std::move(found)))) return content;
    port.sleep(milliseconds(1));
  }
  if (port.worker().value == 0) {
    log_(Level::warning,
         "no checkpoint of epoch " + std::to_string(point.epoch()) + ": rows do not stop moving");
  }
  return std::nullopt;
}

void Checkpoints::begin_writing(const Point& point, uint32_t sequence,
                                const ShardContent& content) {
  const Place& place = point.tables.place();
  hurry_ = false;
  begun_.push_back(sequence);
  if (begun_.size() > options_.keep + 1) begun_.erase(begun_.begin());
  auto writing = std::make_shared<Writing>();
  CheckpointManifest& manifest = writing->manifest;
  manifest = about_;
  manifest.sequence = sequence;
  manifest.clock = point.tables.slowest.load(std::memory_order_relaxed);
  manifest.nodes = place.nodes;
  manifest.workers = place.workers_per_node;
  manifest.examples = point.examples;
  for (const PassTotals& pass : point.passes) manifest.agenda.close(manifest.agenda.pass(), pass);
  manifest.epochs = point.epochs();
  writing->path = path_of(sequence);
  writing->node = place.self.value;
  writing->rows = content.rows();
  writing->file =
      std::make_shared<ShardFile>(writing->path + "/" + shard_file(writing->node), store_);
  ShardFile::send(writing->file, content, background_);
  background_.post([this, writing](const auto&) { end_of_writing(writing); });
}

void Checkpoints::end_of_writing(const std::shared_ptr<Writing>& writing) {
  try {
    CheckpointShard own{writing->file->finish(), writing->rows};
    if (writing->node == 0) {
      publish(*writing, own);
    } else {
      write_text(writing->path + "/" + part_file(writing->node), to_json(own), store_);
    }
  } catch (const std::exception& error) {
    ++failed_;
    part_failed_ = true;
    log_(Level::warning,
         name_of(writing->manifest) + " was not written, training goes on: " + error.what());
    if (writing->node == 0) remove_checkpoint(writing->path, store_);
  }
}

void Checkpoints::publish(Writing& writing, const CheckpointShard& own) {
  CheckpointManifest& manifest = writing.manifest;
  manifest.shards = {own};
  for (uint32_t n = 1; n < manifest.nodes; ++n) {
    manifest.shards.push_back(wait_for_part(writing, n));
  }
  for (const std::string& folder : {options_.folder, folder_of(options_.folder)}) {
    if (const int error = store_.sync_folder(folder); error != 0) {
      throw UserError("cannot sync " + folder + ": " + error_text(error));
    }
  }
  write_text(writing.path + "/" + std::string(kManifestFile), to_json(manifest), store_);
  for (uint32_t n = 1; n < manifest.nodes; ++n) {
    [[maybe_unused]] const int ignored = store_.remove(writing.path + "/" + part_file(n));
  }
  ++written_;
  bytes_ += manifest.bytes();
  const NumberRange useless{options_.resumed + 1, options_.last_before + 1};
  remove_old(options_.folder, manifest.sequence, options_.keep, store_, useless);
}

CheckpointShard Checkpoints::wait_for_part(const Writing& writing, uint32_t node) const {
  const std::string path = writing.path + "/" + part_file(node);
  std::chrono::duration<double> waited(0), hurried(0);
  for (std::chrono::milliseconds look = kFirstLook; !is_there(path);
       look = std::min(2 * look, kLook)) {
    if (waited.count() >= options_.patience_seconds ||
        hurried.count() >= options_.short_patience_seconds) {
      throw UserError("node " + std::to_string(node) + " has not written its part into " +
                      writing.path + "; all nodes must see this folder");
    }
    std::this_thread::sleep_for(look);
    if (waited < kSayWait && waited + look >= kSayWait) {
      log_(Level::warning, "waiting 10 s for node " + std::to_string(node) +
                               " to write its part of " + name_of(writing.manifest));
    }
    waited += look;
    if (hurry_) hurried += look;
  }
  std::ifstream file(path, std::ios::binary);
  return parse_shard(std::string{std::istreambuf_iterator<char>(file), {}}, path);
}

void Checkpoints::finish(bool ok) {
  if (!ok) hurry_ = true;
  background_.wait();
}

CheckpointTotals Checkpoints::totals() const {
  CheckpointTotals totals = totals_;
  totals.written = written_;
  totals.failed = failed_;
  totals.bytes = bytes_;
  return totals;
}

bool Checkpoints::Point::moves() const {
  for (uint32_t t = 0; !replicas && t < tables.size(); ++t) {
    if (tables.rows(TableId{t}).adapts()) return true;
  }
  return false;
}

// By table: how many rows the nodes found, and the sum over their keys.
bool Checkpoints::Point::all_there(std::span<const double> found) const {
  for (uint32_t t = 0; t < tables.size(); ++t) {
    const uint32_t rows = tables.rows(TableId{t}).options().spec.rows;
    if (found[2 * t] != rows) return false;
    if (found[2 * t + 1] != ShardContent::key_sum_of_all(rows)) return false;
  }
  return true;
}

}  // namespace hemiola

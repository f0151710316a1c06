#include "hemiola/train/checkpoint_restore.h"

#include <algorithm>
#include <array>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"
#include "hemiola/train/settings.h"

namespace hemiola {
namespace {

// Settings that say where and how long a job runs, not what it learns. The data may lie elsewhere:
// what they come to is compared when they are read.
bool may_differ(std::string_view key) {
  constexpr std::array kSections = {"cluster.", "checkpoint.", "sync."};
  constexpr std::array kKeys = {"job.name",          "train.epochs",   "train.evaluate_every",
                                "train.evaluate_on", "train.save",     "data.train",
                                "data.valid",        "data.test",      "data.train_labels",
                                "data.test_labels",  "data.analogies", "data.similarity"};
  return std::any_of(kSections.begin(), kSections.end(),
                     [&](std::string_view s) { return key.starts_with(s); }) ||
         std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

bool same_setting(const CheckpointManifest& manifest, const Job& job, std::string_view key) {
  const auto then = manifest.settings.find(std::string(key));
  for (const auto& [name, value] : all_values(job)) {
    if (name == key) return then != manifest.settings.end() && then->second == value;
  }
  return then == manifest.settings.end();
}

std::string count(uint64_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

}  // namespace

void require_fits(const CheckpointManifest& manifest, const Job& job) {
  const auto refuse = [](const std::string& key, const std::string& then, const std::string& now) {
    throw UserError("the checkpoint is of a run with " + key + " = " + then +
                    ", but this job has " + now +
                    "; resume with the same, or begin without --resume");
  };
  if (manifest.model != job.model.kind) refuse("model.kind", manifest.model, job.model.kind);
  for (const auto& [key, value] : all_values(job)) {
    const auto then = manifest.settings.find(key);
    if (may_differ(key) || then == manifest.settings.end() || then->second == value) continue;
    refuse(key, then->second.empty() ? "\"\"" : then->second, value.empty() ? "\"\"" : value);
  }
}

void require_fits(const CheckpointManifest& manifest, const std::vector<TableSpec>& tables,
                  uint64_t examples) {
  const auto now = checkpoint_tables(tables);
  const auto refuse = [](const std::string& then, const std::string& is) {
    throw UserError("the checkpoint is of other data: there " + then + ", here " + is);
  };
  if (manifest.tables.size() != now.size()) {
    refuse("were " + count(manifest.tables.size(), "table"), "are " + count(now.size(), "table"));
  }
  for (size_t t = 0; t < now.size(); ++t) {
    const CheckpointTable& then = manifest.tables[t];
    if (then == now[t]) continue;
    const auto shape = [](const CheckpointTable& table) {
      return count(table.rows, "row") + " of " + std::to_string(table.columns) + " + " +
             std::to_string(table.state_columns) + " floats";
    };
    refuse("table `" + then.name + "` has " + shape(then),
           "table `" + now[t].name + "` has " + shape(now[t]));
  }
  if (manifest.examples != examples) {
    refuse("a pass was " + count(manifest.examples, "example"),
           "it is " + count(examples, "example"));
  }
}

ResumePlan resume_plan(const CheckpointManifest& manifest, const Job& job) {
  const uint32_t nodes = job.cluster.nodes, workers = job.cluster.workers;
  std::string place = manifest.nodes == nodes
                          ? ""
                          : count(manifest.nodes, "node") + " wrote it, " + count(nodes, "node") +
                                (nodes == 1 ? " reads it" : " read it");
  if (!averages(job)) {
    if (manifest.averages) place = "its replicas' mean becomes rows of tables";
    return {Resuming::all, place};
  }
  if (!manifest.averages) return {Resuming::model, "every replica begins with the rows of tables"};
  const uint32_t then = manifest.nodes * manifest.workers, now = nodes * workers;
  if (then != now) {
    return {Resuming::model, "it is of " + count(then, "worker") + ", now there " +
                                 (now == 1 ? "is " : "are ") + std::to_string(now) +
                                 ": every replica begins with their mean"};
  }
  for (const char* key : {"sync.scheme", "sync.compress", "sync.topology", "sync.outer_rate",
                          "sync.outer_momentum"}) {
    if (same_setting(manifest, job, key)) continue;
    return {Resuming::model,
            std::string(key) + " is another now: every replica begins with the mean of all"};
  }
  if (manifest.nodes != nodes) {
    return {Resuming::replicas,
            place + ": replicas are taken over, what codecs had left out is not"};
  }
  return {Resuming::all, ""};
}

void restore(const CheckpointReader& checkpoint, TableSet& tables) {
  const NodeId self = tables.place().self;
  for (uint32_t t = 0; t < tables.size(); ++t) {
    const Rows& rows = tables.rows(TableId{t});
    const uint32_t length = rows.row_length();
    if (!rows.adapts()) {
      for (uint32_t i = 0; i < rows.partition().owned_by(self); ++i) {
        checkpoint.row(TableId{t}, rows.partition().key(self, i), {rows.owned(i), length});
      }
      continue;
    }
    // Copies that were made beforehand hold initial values too.
    for (uint32_t k = 0; k < rows.partition().rows(); ++k) {
      const Copies::Found found = rows.shelf().look(Key{k});
      if (found.slot == Copies::kNone) continue;
      float* value = rows.shelf().value(found.slot);
      checkpoint.row(TableId{t}, Key{k}, {value, length});
      if (!found.owned) vec().copy(rows.shelf().base(found.slot), value, length);
    }
  }
}

void restore(const CheckpointReader& checkpoint, Resuming what, ReplicaSet& replicas,
             AverageMachine& machine) {
  const ReplicaLayout& layout = replicas.layout();
  const Place& place = replicas.place();
  for (uint32_t t = 0; t < layout.tables().size(); ++t) {
    const TableSpec& spec = layout.tables()[t];
    const auto at = [&](float* replica, uint32_t k) {
      return replica + layout.table_at(TableId{t}) + k * layout.stride(TableId{t});
    };
    std::vector<float> model(spec.row_length);
    for (uint32_t k = 0; k < spec.rows; ++k) {
      checkpoint.row(TableId{t}, Key{k}, model);
      std::copy_n(model.begin(), spec.values(), at(replicas.mean(), k));
      for (uint32_t w = 0; w < place.workers_per_node; ++w) {
        const WorkerId worker{place.first_worker().value + w};
        const std::span<float> row(at(replicas.of(worker).rows(), k), spec.row_length);
        if (what == Resuming::model) {
          std::copy(model.begin(), model.end(), row.begin());
        } else {
          checkpoint.replica_row(worker, TableId{t}, Key{k}, row);
        }
      }
    }
  }
  std::unique_ptr<StateFields> kept;
  if (what == Resuming::all) kept = checkpoint.kept(place.self.value);
  machine.resume(kept.get());
}

}  // namespace hemiola

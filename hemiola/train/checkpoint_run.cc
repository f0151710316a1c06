#include "hemiola/train/checkpoint_run.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/data/publish.h"
#include "hemiola/train/report.h"
#include "hemiola/train/settings.h"

namespace hemiola {
namespace {

uint64_t examples_of(const BlockPlan& plan) {
  uint64_t sum = 0;
  for (const BlockSpec& block : plan.blocks) sum += block.examples;
  return sum;
}

std::vector<CheckpointPlace> places_for(const Job& job, const Flags& flags,
                                        const std::string& from) {
  if (!from.empty()) return checkpoints_meant(from);
  auto places = checkpoints_in(checkpoint_folder(job, flags.out));
  if (!places.empty()) return places;
  throw UserError("there is no checkpoint in " + checkpoint_folder(job, flags.out) +
                  " to resume from; begin without --resume, or name the folder of another run");
}

}  // namespace

std::string checkpoint_folder(const Job& job, const std::string& out) {
  return job.checkpoint.dir.empty() ? out + "/checkpoints" : job.checkpoint.dir;
}

ResumeFlags checkpoint_to_resume(const Job& job, const Flags& flags, const std::string& from,
                                 Progress& progress) {
  const auto places = places_for(job, flags, from);
  const auto good = newest_good(places, [&](const std::string& why) {
    progress.log(Level::warning, "a checkpoint is not used: " + why);
  });
  if (!good) throw UserError("there is no checkpoint to resume from that is whole");
  const CheckpointManifest& manifest = good->manifest;
  require_fits(manifest, job);
  std::string text = "resumes from " + good->path + ", epoch " + std::to_string(manifest.epoch()) +
                     " of " + std::to_string(job.train.epochs);
  const ResumePlan plan = resume_plan(manifest, job);
  if (!plan.text.empty()) text += "; " + plan.text;
  progress.text(text + "\n");
  ResumeFlags resume{good->path, manifest.epoch(), manifest.planned_workers, 0, 0};
  const std::string own = checkpoint_folder(job, flags.out);
  std::error_code error;
  if (std::filesystem::equivalent(folder_of(good->path), own, error)) {
    resume.number = manifest.sequence;
    resume.last = next_sequence(own) - 1;
  }
  return resume;
}

std::unique_ptr<const Resumed> resumed_from(const Job& job, const Flags& flags, const Task& task) {
  if (!flags.resume) return nullptr;
  GoodCheckpoint good{flags.resume.path, read_manifest(flags.resume.path)};
  require_fits(good.manifest, task.tables(), examples_of(task.plan(good.manifest.planned_workers)));
  const ResumePlan plan = resume_plan(good.manifest, job);
  return std::make_unique<const Resumed>(CheckpointReader(std::move(good)), plan);
}

uint32_t planned_workers(const Job& job, const Flags& flags) {
  return flags.resume ? flags.resume.planned_workers : job.cluster.nodes * job.cluster.workers;
}

std::unique_ptr<Checkpoints> checkpoints_for(const Job& job, const Flags& flags, const Task& task,
                                             const Resumed* resumed, Progress& progress) {
  CheckpointOptions options;
  options.every = parse_every(job.checkpoint.every);
  if (options.every.never()) return nullptr;
  options.folder = checkpoint_folder(job, flags.out);
  options.keep = job.checkpoint.keep;
  options.resumed = flags.resume.number;
  options.last_before = flags.resume.last;
  options.buffers =
      std::max<size_t>(2, (size_t{job.checkpoint.memory_mb} << 20) / options.buffer_bytes);
  CheckpointManifest about;
  about.job = job.job.name;
  about.model = job.model.kind;
  about.averages = averages(job);
  about.scheme = sync_text(job);
  about.seed = job.job.seed;
  about.planned_workers = planned_workers(job, flags);
  for (auto& [key, value] : all_values(job)) about.settings[key] = value;
  about.tables = checkpoint_tables(task.tables());
  const auto& epochs = resumed ? resumed->checkpoint.manifest().epochs : about.epochs;
  return std::make_unique<Checkpoints>(
      std::move(options), std::move(about), epochs.empty() ? 0 : epochs.back().elapsed,
      [&progress](Level level, const std::string& line) { progress.log(level, line); });
}

std::unique_ptr<RowSource> lost_rows(const Job& job, const Flags& flags,
                                     const Checkpoints* checkpoints, Progress& progress) {
  return std::make_unique<CheckpointRows>(
      checkpoint_folder(job, flags.out),
      checkpoints ? checkpoints->begun() : std::vector<uint32_t>(), flags.resume.path,
      [&progress](Level level, const std::string& line) { progress.log(level, line); });
}

}  // namespace hemiola

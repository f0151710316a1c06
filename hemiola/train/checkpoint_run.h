// What a run needs of checkpoints, made of its job: the one it goes on from, and those it writes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hemiola/train/checkpoint.h"
#include "hemiola/train/checkpoint_restore.h"
#include "hemiola/train/checkpoint_rows.h"
#include "hemiola/train/flags.h"
#include "hemiola/train/options.h"
#include "hemiola/train/progress.h"

namespace hemiola {

std::string checkpoint_folder(const Job& job, const std::string& out);

// The newest good one in `from`, or else in the run's own folder; says which, and of newer ones why
// not. Throws UserError when there is none, or when it is of another job.
ResumeFlags checkpoint_to_resume(const Job& job, const Flags& flags, const std::string& from,
                                 Progress& progress);

// The run goes on from there.
struct Resumed {
  CheckpointReader checkpoint;
  ResumePlan plan;
};
// nullptr: it begins. Throws UserError for a checkpoint that does not fit what the task has read.
std::unique_ptr<const Resumed> resumed_from(const Job& job, const Flags& flags, const Task& task);

// How many workers the training data are cut for.
uint32_t planned_workers(const Job& job, const Flags& flags);

// nullptr: none are to be written.
std::unique_ptr<Checkpoints> checkpoints_for(const Job& job, const Flags& flags, const Task& task,
                                             const Resumed* resumed, Progress& progress);

// Rows that no node has any more, from what this run has written or gone on from; both may be
// nothing.
std::unique_ptr<RowSource> lost_rows(const Job& job, const Flags& flags,
                                     const Checkpoints* checkpoints, Progress& progress);

}  // namespace hemiola

// What of a job and its flags the workers need to know.
#pragma once

#include "hemiola/core/random.h"
#include "hemiola/train/flags.h"
#include "hemiola/train/options.h"
#include "hemiola/train/worker.h"

namespace hemiola {

inline RunSettings run_settings(const Job& job, const Flags& flags) {
  RunSettings settings;
  settings.epochs = job.train.epochs;
  settings.evaluate_every = job.train.evaluate_every;
  settings.seed = job.job.seed;
  settings.fixed_blocks = job.sync.strict;
  settings.cost.stall_chance = flags.stall_chance;
  settings.cost.stall = flags.stall;
  settings.cost.seed = mix(job.job.seed, 0x57a11);
  settings.cost.throws_at = flags.throwing_step;
  settings.throwing_node = flags.throwing_node;
  return settings;
}

}  // namespace hemiola

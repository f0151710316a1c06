// The job in the simulator: the same task, tables, machines and worker code on modelled computers
// and a modelled network, in virtual time.
#pragma once

#include <string>

#include "hemiola/core/machine.h"
#include "hemiola/train/flags.h"
#include "hemiola/train/options.h"
#include "hemiola/train/progress.h"

namespace hemiola {

// Computing costs flags.ns_per_example of virtual time on each worker; REQUIRES it to be set.
// How the job ended; the same seed gives the same result, bit by bit. Throws UserError.
JobOver simulate(const Job& job, const Flags& flags, Progress& progress);

}  // namespace hemiola

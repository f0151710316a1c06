// Spreads independent tasks over threads, for reading and making data before the workers start.
#pragma once

#include <cstdint>

#include "hemiola/data/lines.h"

namespace hemiola {

// The calling thread works too; with one thread no other is started.
Runner thread_runner(uint32_t threads);

}  // namespace hemiola

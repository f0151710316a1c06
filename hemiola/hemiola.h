// Hemiola in one include, and its table of contents: read the headers in this order.
#pragma once

#include "hemiola/core/types.h"         // NodeId, Key, Clock, Duration: numbers that do not mix
#include "hemiola/core/check.h"         // UserError and JobEnded: what a call may throw
#include "hemiola/core/worker_port.h"   // what a worker needs of the world that runs it
#include "hemiola/table/options.h"      // a table: rows, row length, how stale reads may be
#include "hemiola/table/client.h"       // pull, push, rows in place, tick, barrier
#include "hemiola/cluster/calls.h"      // blocks of data, sums over all workers, the end
#include "hemiola/models/parameters.h"  // what a model sees of the shared state
#include "hemiola/models/task.h"        // what a model is: write one, and it runs everywhere
#include "hemiola/core/stats.h"         // what a worker saw: staleness, waits, local and remote
#include "hemiola/net/node.h"           // driver 1: machines on sockets and threads
#include "hemiola/sim/world.h"          // driver 2: the same in virtual time, from a seed

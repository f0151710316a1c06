// What the launcher tells a node process that it has started, over a pipe: never by arguments or
// environment, which others can read.
#pragma once

#include "hemiola/core/bytes.h"
#include "hemiola/train/flags.h"
#include "hemiola/train/options.h"
#include "hemiola/train/run_node.h"

namespace hemiola {

struct NodeOrder {
  Job job;  // resolved
  Flags flags;
  NodePlace place;
};

Bytes encode(const NodeOrder& order);
// Throws UserError for bytes that are no order.
NodeOrder decode_order(const Bytes& bytes);

}  // namespace hemiola

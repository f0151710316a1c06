// The envelope, and the list of all message kinds. Bodies are defined in each folder's messages.h.
#pragma once

#include <cstdint>

#include "hemiola/core/bytes.h"
#include "hemiola/core/types.h"

namespace hemiola {

// Changes whenever a message or the frame changes its meaning; nodes of two versions refuse
// each other by name.
inline constexpr uint16_t kWireVersion = 6;

// Which machine of a node a message, timer or call is for: the upper byte of a Kind.
enum class MachineId : uint8_t { link = 0, cluster = 1, table = 2, average = 3 };

enum class Kind : uint16_t {
  // link: handled by the driver, never seen by a machine
  hello = 0x0001,
  refuse = 0x0002,

  // cluster/messages.h
  join = 0x0101,
  view = 0x0102,
  ready = 0x0103,
  start = 0x0104,
  heartbeat = 0x0105,
  failed = 0x0106,
  finished = 0x0107,
  end = 0x0108,
  want_block = 0x0110,
  give_block = 0x0111,
  reduce_part = 0x0112,
  reduce_sum = 0x0113,
  blocks_done = 0x0114,
  ask_leave = 0x0115,

  // table/messages.h
  pull = 0x0201,
  rows = 0x0202,
  update = 0x0203,
  mark = 0x0204,
  refresh = 0x0205,
  applied = 0x0206,
  unsubscribe = 0x0207,

  // table/stream.h, table/keeper_messages.h: tables whose rows may move
  ask = 0x0210,
  give = 0x0211,
  change = 0x0212,
  settled = 0x0213,
  taken = 0x0214,
  leave = 0x0215,
  renew = 0x0216,
  round = 0x0217,
  located = 0x0218,
  heat = 0x0219,
  hot = 0x021a,
  acked = 0x021b,

  // table/survival_messages.h: backups of rows, and the begin of a generation
  backup = 0x0220,
  backup_gone = 0x0221,
  backup_end = 0x0222,
  safe = 0x0223,
  safe_gift = 0x0224,
  keeps_from = 0x0225,
  survivor = 0x0228,
  offer = 0x0229,
  offered = 0x022a,
  all_offered = 0x022b,
  add = 0x022c,
  added = 0x022d,
  survival_acked = 0x022f,

  // average/messages.h
  rested = 0x0301,
  part = 0x0302,
  total = 0x0303,
  pace = 0x0304,
  mix = 0x0310,
  skip = 0x0311,
  done = 0x0312,
  close = 0x0313,
  whole = 0x0314,
  epoch = 0x0315,
  label = 0x0316,
  ask_ended = 0x0317,
  ended = 0x0318,
  propose = 0x0320,
  accept = 0x0321,
  busy = 0x0322,
  shift = 0x0323,
  push = 0x0330,
  member_ready = 0x0340,
  fuse = 0x0341,
  block = 0x0342,
  block_delta = 0x0343,
  trade = 0x0344,
  block_mean = 0x0345,
  regroup = 0x0346,
  speeds = 0x0347,
  may_rest = 0x0348,
  received = 0x0349,
  regrouped = 0x034a,
};

constexpr MachineId machine_of(Kind kind) {
  return static_cast<MachineId>(static_cast<uint16_t>(kind) >> 8);
}

// Links between two nodes keep the order of what is sent over them; messages over different
// links may overtake each other.
struct Envelope {
  NodeId from;
  NodeId to;
  Epoch epoch;
  Kind kind{};
  Bytes body;
};

}  // namespace hemiola

// What a worker asks of its node's average machine. In each of them the worker waits, so that the
// loop may read and change its replica.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "hemiola/core/machine.h"

namespace hemiola {

class StateFields;

enum class AverageOp : uint8_t { step, rest, mean, keep };

struct AverageCall : Call {
  explicit AverageCall(AverageOp o) : Call(MachineId::average), op(o) {}
  AverageOp op;
};

// The worker has ended a step; done when it may start the next one, from what is in its replica.
struct StepCall : AverageCall {
  StepCall() : AverageCall(AverageOp::step) {}
  // Out: how often others changed the worker's values during the step; whether the next one was
  // held up because a neighbour was behind, and how many steps were passed over to catch up.
  uint32_t delay = 0;
  bool held = false;
  uint32_t passed_over = 0;
};

// The worker has no work left in this pass over the data. It holds nobody up until the call is
// done, which is when all workers of the job rest and nothing is under way between them.
struct RestCall : AverageCall {
  RestCall() : AverageCall(AverageOp::rest) {}
};

// Of all workers of the job, when all rest; done when the exact mean of all replicas is in
// ReplicaSet::mean() on every node. Replicas stay as they are.
struct MeanCall : AverageCall {
  MeanCall() : AverageCall(AverageOp::mean) {}
  double distance2 = 0;      // out: |this worker's replica - mean|^2
  double norm2 = 0;          // out: |mean|^2
  uint64_t fingerprint = 0;  // out: of the bits of this worker's replica
  // Out: how often rounds were ended on this node so far, by the reason in words.
  std::map<std::string, uint64_t> reasons;
  std::string codec_note;  // out: Strategy::codec_note
};

// When all workers of the job rest: names what the strategy of this node keeps, to be read before
// anybody goes on.
struct KeepCall : AverageCall {
  KeepCall() : AverageCall(AverageOp::keep) {}
  StateFields* fields = nullptr;
};

}  // namespace hemiola

#include "hemiola/sim/worker.h"

#include <algorithm>
#include <cstdio>

#include "hemiola/core/check.h"
#include "hemiola/sim/world.h"

namespace hemiola::sim {

namespace {

constexpr int64_t kClockCostNs = 20;
constexpr int64_t kLongestLeadNs = 100'000;

const char* name_of(MachineId machine) {
  switch (machine) {
    case MachineId::link:
      return "link";
    case MachineId::cluster:
      return "cluster";
    case MachineId::table:
      return "table";
    case MachineId::average:
      return "averages";
  }
  return "?";
}

}  // namespace

Worker::Worker(World& world, WorkerId id, NodeId node, uint32_t index, uint32_t life,
               const std::function<void(WorkerPort&)>& main)
    : world_(world),
      id_(id),
      node_(node),
      index_(index),
      life_(life),
      chance_(mix(world.options().seed, 0x776f726b, id.value)),
      fiber_(world.options().stack_bytes, [this, main] {
        try {
          main(*this);
        } catch (const JobEnded&) {  // the usual end of a worker whose job is over
        }
      }) {}

void Worker::post(Call& call) {
  call.worker = id_;
  call.error.clear();
  call.done.store(0, std::memory_order_relaxed);
  if (over_) return;
  lead_ns_ += world_.options().call_cost.ns;
  const Instant at = world_.hand_over(world_.now() + Duration{lead_ns_});
  last_post_ns_ = std::max(at.ns, last_post_ns_ + 1);
  world_.push_call(node_, call, Instant{last_post_ns_});
}

void Worker::wait(Call& call) {
  const auto done = [&] { return call.done.load(std::memory_order_relaxed) != 0; };
  while (!done()) {
    throw_if_over();
    settle();
    waiting_for_ = &call;
    state_ = State::waiting;
    fiber_.yield();
    waiting_for_ = nullptr;
    state_ = State::ready;
  }
  if (!call.error.empty()) throw UserError(call.error);
}

Instant Worker::now() {
  lead_ns_ += kClockCostNs;
  if (lead_ns_ > kLongestLeadNs && !over_) {
    world_.push_resume(*this, settle());
    fiber_.yield();
  }
  return world_.now() + Duration{lead_ns_};
}

void Worker::spend(Duration cost) {
  throw_if_over();
  if (cost.ns <= 0) return;
  const Instant start = settle();
  world_.push_resume(*this, start + world_.time_for(cost, *this));
  block(State::spending);
}

void Worker::sleep(Duration time) {
  throw_if_over();
  if (time.ns <= 0) return;
  const Instant start = settle();
  world_.push_resume(*this, until(start, time));
  block(State::sleeping);
}

void Worker::block(State state) {
  state_ = state;
  fiber_.yield();
  state_ = State::ready;
  throw_if_over();
}

void Worker::throw_if_over() const {
  if (over_) throw JobEnded(*over_);
}

Instant Worker::settle() {
  since_ = world_.now() + Duration{lead_ns_};
  lead_ns_ = 0;
  ++turn_;
  return since_;
}

std::string Worker::state() const {
  if (ended()) return {};
  static constexpr const char* kDoes[] = {"is ready", "waits for the ", "computes", "sleeps"};
  char text[128];
  std::snprintf(text, sizeof text, "worker %u on node %u %s%s since %.6f s", id_.value, node_.value,
                kDoes[static_cast<size_t>(state_)],
                waiting_for_ ? name_of(waiting_for_->target) : "",
                static_cast<double>(since_.ns) * 1e-9);
  return text;
}

}  // namespace hemiola::sim

// For the tests of this folder: a job of one node and one worker in the calling thread, without
// a driver. Every call is answered before post() returns.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hemiola/cluster/machine.h"
#include "hemiola/core/check.h"
#include "hemiola/core/node_core.h"
#include "hemiola/core/worker_port.h"
#include "hemiola/table/machine.h"

namespace hemiola {

class SoloPort : public WorkerPort {
 public:
  explicit SoloPort(TableSet& tables) : core_(NodeId{0}) {
    ClusterOptions options;
    options.address = options.rendezvous = "none";
    core_.add(MachineId::cluster, std::make_unique<ClusterMachine>(options));
    core_.add(MachineId::table, std::make_unique<TableMachine>(tables));
    handle(TimerFired{MachineId::cluster, 0});
    HEMIOLA_CHECK(started);
  }

  WorkerId worker() const override { return WorkerId{0}; }
  void post(Call& call) override {
    call.worker = worker();
    if (!over) handle(CallPosted{&call});
  }
  void wait(Call& call) override {
    if (over && !call.done) throw JobEnded(over->reason);
    HEMIOLA_CHECK(call.done);
    if (!call.error.empty()) throw UserError(call.error);
  }
  Instant now() override { return time_; }
  void spend(Duration cost) override { time_ = time_ + cost; }
  void sleep(Duration time) override { time_ = time_ + time; }

  bool started = false;
  std::optional<JobOver> over;

 private:
  void handle(Event event) {
    Outbox out;
    core_.on(std::move(event), time_, out);
    for (Call* call : out.completions) call->done = 1;
    for (const Notice& notice : out.notices) {
      if (std::holds_alternative<JobStarted>(notice)) started = true;
      if (const auto* end = std::get_if<JobOver>(&notice)) over = *end;
    }
  }

  NodeCore core_;
  Instant time_;
};

}  // namespace hemiola

// A deliberate defect (AverageSabotage::fastest_only), kept so that tests can show that they catch
// it: each worker mixes half and half with whichever neighbour's replica came first, and that
// neighbour does not mix with it in return. All replicas become equal, but not the mean of all.
#pragma once

#include <string>

#include "hemiola/average/graph.h"
#include "hemiola/average/strategy.h"

namespace hemiola {

class FastestOnly final : public Strategy {
 public:
  explicit FastestOnly(Crew& crew);

  void stepped(WorkerId worker, Instant now, Outbox& out) override;
  void rested(WorkerId worker, Instant now, Outbox& out) override;
  void on_message(const Envelope& message, Instant now, Outbox& out) override;
  std::string waits_for(WorkerId) const override { return "any neighbour"; }

 private:
  void send(WorkerId from, WorkerId to, bool is_answer, Outbox& out);

  const Graph graph_;
};

}  // namespace hemiola

#include "hemiola/average/strategy.h"

#include <utility>

#include "hemiola/average/fastest_only.h"
#include "hemiola/average/gossip.h"
#include "hemiola/average/groups.h"
#include "hemiola/average/mean_rounds.h"
#include "hemiola/average/neighbour_rounds.h"
#include "hemiola/average/pushsum.h"
#include "hemiola/core/check.h"

namespace hemiola {

Crew::Crew(ReplicaSet& replicas) : replicas_(replicas) {
  for (uint32_t w = 0; w < place().workers_per_node; ++w) {
    local_.push_back(WorkerId{place().first_worker().value + w});
  }
  states_.resize(local_.size());
  if (options().gap.most == 0) return;
  require_gap_fits(options().rule);
  gate_.emplace(place(), mixing_graph(*this), options().gap,
                options().sabotage == AverageSabotage::gap_ignored);
}

void Crew::go_on(WorkerId worker, Outbox& out, float scale) {
  State& s = state(worker);
  HEMIOLA_CHECK(s.step);
  StepCall& call = *std::exchange(s.step, nullptr);
  if (!gate_ || gate_->may_go_on(worker)) return release(worker, call, scale, out);
  HEMIOLA_CHECK(scale == 1);
  gate_->hold(worker);
  call.held = true;
  s.held = &call;
}

void Crew::release(WorkerId worker, StepCall& call, float scale, Outbox& out) {
  replicas_.of(worker).give_out(scale);
  state(worker).changes = 0;
  out.complete(call);
}

void Crew::release_held(Outbox& out) {
  for (const WorkerId w : local_) {
    State& s = state(w);
    if (s.held && gate_->may_go_on(w)) release(w, *std::exchange(s.held, nullptr), 1, out);
  }
}

void require_gap_fits(const AverageRule& rule) {
  using Rule = AverageRule::Kind;
  if (rule.kind == Rule::gossip || rule.kind == Rule::groups || rule.kind == Rule::backup) return;
  const char* const bound =
      rule.kind == Rule::pushsum     ? "which lets no message be more than N steps late"
      : rule.kind == Rule::consensus ? "under which neighbours are never more than a step apart"
                                     : "under which all wait for all";
  throw UserError(
      "max_gap bounds how far workers are ahead under gossip, groups and backup, not \"" +
      rule.name() + "\", " + bound + "; leave it out");
}

void require_codec_fits(const AverageRule& rule, const std::string& codec) {
  using Rule = AverageRule::Kind;
  if (codec == "none") return;
  const bool mean =
      rule.kind == Rule::allreduce || rule.kind == Rule::local || rule.kind == Rule::outer;
  if (codec == "auto" && !mean) {
    throw UserError("compress = \"auto\" times rounds of means of all, which \"" + rule.name() +
                    "\" has not: name a codec, or take allreduce, local(H) or outer(H)");
  }
  if (codec == "auto") return;
  const std::string kind = make_codec(codec)->text();
  const bool fine =
      kind == "bf16" || kind.starts_with("quantise(8") || kind.starts_with("quantise(4");
  if (rule.kind == Rule::groups && !fine) {
    throw UserError("under \"" + rule.name() +
                    "\" those who sent values get back what is missing " +
                    "to their mean, and nobody remembers what \"" + codec + "\" leaves out of " +
                    "that; choose bf16, quantise(8) or quantise(4)");
  }
  if (codec == "sign" && !mean) {
    throw UserError("under \"" + rule.name() + "\" replicas that differ in some values only come " +
                    "together too slowly with \"sign\"; choose quantise(2) or topk(SHARE)");
  }
}

std::unique_ptr<Strategy> make_strategy(Crew& crew) {
  require_codec_fits(crew.options().rule, crew.options().codec);
  using Rule = AverageRule::Kind;
  switch (crew.options().rule.kind) {
    case Rule::allreduce:
    case Rule::local:
    case Rule::outer:
      return std::make_unique<MeanRounds>(crew);
    case Rule::groups:
      return std::make_unique<GroupRounds>(crew);
    case Rule::gossip:
      return std::make_unique<Gossip>(crew);
    case Rule::pushsum:
      return std::make_unique<PushSum>(crew);
    case Rule::consensus:
    case Rule::backup:
      if (crew.options().sabotage == AverageSabotage::fastest_only) {
        return std::make_unique<FastestOnly>(crew);
      }
      return std::make_unique<NeighbourRounds>(crew);
    default:
      throw UserError("\"" + crew.options().rule.name() + "\" is not there yet");
  }
}

}  // namespace hemiola

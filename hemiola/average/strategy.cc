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
}

void Crew::go_on(WorkerId worker, Outbox& out, float scale) {
  State& s = state(worker);
  HEMIOLA_CHECK(s.step);
  replicas_.of(worker).give_out(scale);
  s.changes = 0;
  out.complete(*std::exchange(s.step, nullptr));
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
  if (rule.kind == Rule::groups) {
    throw UserError("the codec \"" + codec + "\" is there for allreduce, local(H), outer(H), " +
                    "gossip, pushsum, consensus and backup, but not for \"" + rule.name() +
                    "\", which sends floats as they are; leave it out");
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

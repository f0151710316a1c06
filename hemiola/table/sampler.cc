#include "hemiola/table/sampler.h"

#include "hemiola/table/sampler_ahead.h"
#include "hemiola/table/sampler_local.h"
#include "hemiola/table/sampler_pool.h"

namespace hemiola {
namespace {

// Draws when it is asked to and stores nothing: enough where every row is here.
class DrawnAtOnce final : public Sampler {
 public:
  DrawnAtOnce(const Distribution& distribution, uint64_t seed)
      : distribution_(distribution), random_(seed) {}

  void prepare(Announcement&, Clock, Clock) override {}

  void draw(Announcement&, std::span<Key> keys) override {
    for (Key& key : keys) key = distribution_.draw(random_);
  }

 private:
  const Distribution& distribution_;
  Random random_;
};

}  // namespace

std::unique_ptr<Sampler> make_sampler(const SamplingRule& rule, TableId table,
                                      const Distribution& distribution, uint64_t seed,
                                      SampledRows& rows) {
  using Kind = SamplingRule::Kind;
  if (rule.kind == Kind::pool) {
    return std::make_unique<PoolSampler>(rule, table, distribution, seed, rows);
  }
  if (rows.all_here(table)) return std::make_unique<DrawnAtOnce>(distribution, seed);
  if (rule.kind == Kind::local) {
    return std::make_unique<LocalSampler>(table, distribution, seed, rows);
  }
  return std::make_unique<AheadSampler>(rule, table, distribution, seed, rows);
}

}  // namespace hemiola

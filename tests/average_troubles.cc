#include "tests/average_troubles.h"

#include <gtest/gtest.h>

#include <cmath>

#include "hemiola/average/messages.h"
#include "hemiola/average/topology.h"

namespace hemiola::averaging {

std::vector<Edge> cliques_with_a_bridge(uint32_t size) {
  std::string text = "# two cliques and a bridge\n";
  for (uint32_t a = 0; a < 2 * size; ++a) {
    for (uint32_t b = a + 1; b < 2 * size; ++b) {
      const bool edge = a / size == b / size || (a == size - 1 && b == size);
      if (edge) text += std::to_string(a) + " " + std::to_string(b) + "\n";
    }
  }
  return parse_edges(text, "cliques");
}

std::function<void(std::vector<Outbox::Send>&, size_t)> doubling(uint64_t seed) {
  struct Memory {
    Random random;
    std::vector<Outbox::Send> old;
  };
  auto memory = std::make_shared<Memory>(Memory{Random(mix(seed, 2)), {}});
  return [memory](std::vector<Outbox::Send>& sends, size_t first) {
    Random& random = memory->random;
    const size_t end = sends.size();
    for (size_t i = first; i < end; ++i) {
      const Outbox::Send send = sends[i];
      if (send.kind < Kind::mix) continue;
      if (random.chance(0.3)) sends.push_back(send);
      if (random.chance(0.2)) memory->old.push_back(send);
      if (random.chance(0.1)) {
        sends.push_back({send.to, send.kind, send.body.slice(0, random.below(send.body.size()))});
      }
    }
    // Links keep the order, so an old message may only come again from its own node.
    if (first < end && !memory->old.empty() && random.chance(0.3)) {
      Reader reader(memory->old.back().body), now(sends[first].body);
      const auto from = reader.get<PeerHead>().from;
      if (sends[first].kind >= Kind::mix && now.get<PeerHead>().from == from) {
        sends.push_back(memory->old.back());
        memory->old.pop_back();
      }
    }
  };
}

double drift_of_the_mean(Trial& trial, Result* kept) {
  const uint64_t seed = trial.seed;
  const auto added = [seed](WorkerId w, uint32_t step, size_t i) {
    return static_cast<double>(mix(seed, w.value * 1000 + step, i) % 201) - 100;
  };
  trial.change = [&](WorkerId w, uint32_t step, std::span<float> values) {
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] += static_cast<float>(added(w, step, i));
    }
  };
  const Result result = run(trial);
  if (kept) *kept = result;
  if (!result.outcome.finished) return 1e9;
  double most = 0;
  for (uint32_t pass = 0; pass < trial.passes; ++pass) {
    for (size_t i = 0; i < trial.floats; ++i) {
      double wanted = 0, size = 0;
      for (uint32_t w = 0; w < trial.workers(); ++w) {
        const uint32_t steps = trial.steps_of ? trial.steps_of(WorkerId{w}) : trial.steps;
        for (uint32_t s = 0; s < steps * (pass + 1); ++s) {
          wanted += added(WorkerId{w}, s, i);
          size += std::abs(added(WorkerId{w}, s, i));
        }
      }
      const double mean = wanted / trial.workers();
      if (size > 0)
        most = std::max(most, std::abs(result.means[pass][i] - mean) * trial.workers() / size);
    }
  }
  return most;
}

void drop_links(Trial& trial, Random& random) {
  for (int i = 0; i < 8; ++i) {
    const auto a = static_cast<uint32_t>(random.below(trial.nodes));
    const auto b = (a + 1 + static_cast<uint32_t>(random.below(trial.nodes - 1))) % trial.nodes;
    const Instant at{microseconds(static_cast<int64_t>(2000 + random.below(30'000))).ns};
    trial.faults.push_back(sim::drop_link(at, NodeId{a}, NodeId{b}, microseconds(700)));
  }
}

Consensus consensus_of(Trial trial) {
  const auto wanted = mean_of(scattered_starts(trial));
  const Result result = run(trial);
  EXPECT_TRUE(result.outcome.finished) << trial.seed << " " << result.outcome.stuck_reason;
  return {result.furthest_from(wanted), result.furthest_from(mean_of(result.values))};
}

TwoByHand::TwoByHand(const char* rule) {
  AverageOptions options;
  options.steps_by_mass = false;  // what is added is what there must be
  options.rule = parse_average(rule);
  for (uint32_t n = 0; n < 2; ++n) {
    sets_.push_back(std::make_unique<ReplicaSet>(
        std::vector{TableSpec{.name = "x", .rows = 1, .row_length = 1}}, Place{NodeId{n}, 2, 1},
        options));
    machines_.push_back(std::make_unique<AverageMachine>(*sets_.back()));
    calls_[n].worker = WorkerId{n};
  }
}

TwoByHand::Sends TwoByHand::step(uint32_t n, float by) {
  sets_[n]->of(WorkerId{n}).rows()[0] += by;
  return give(n, CallPosted{&calls_[n]});
}

TwoByHand::Sends TwoByHand::deliver(const Outbox::Send& send) {
  const NodeId from{1 - send.to.value};
  return give(send.to.value, MessageArrived{{from, send.to, Epoch{1}, send.kind, send.body}});
}

TwoByHand::Sends TwoByHand::give(uint32_t n, Event event) {
  Outbox out;
  machines_[n]->on(event, Instant{}, out);
  return out.sends;
}

}  // namespace hemiola::averaging

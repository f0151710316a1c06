// Worker groups as pure functions: who is in which group, when a group closes a round, with whom it
// trades, and whether workers had better be regrouped by their speed.
// Yan, Shao: Asynchronous Distributed Data Parallelism for Machine Learning (LearningSys 2015).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hemiola/average/pairing.h"
#include "hemiola/core/types.h"

namespace hemiola {

struct GroupPlan {
  uint32_t number = 0;  // how many regroupings came before
  Groups groups;        // each sorted; its first worker is its controller

  uint32_t group_of(WorkerId worker) const;
  WorkerId controller(uint32_t group) const { return WorkerId{groups[group][0]}; }

  friend bool operator==(const GroupPlan&, const GroupPlan&) = default;
};

// Groups of about `members`: as few as can be, whose sizes differ by at most one. Workers that
// follow each other stand together, so that those of a node do. REQUIRES: n > 0, members > 0.
GroupPlan first_plan(uint32_t n, uint32_t members);

// The same sizes, but equally fast workers together. `step_seconds`: by worker; who is equal is
// told apart by lot. REQUIRES: one for each worker of the plan before.
GroupPlan plan_by_speed(const GroupPlan& before, std::span<const double> step_seconds,
                        uint64_t seed);

// A plan that every worker is in once. Plans that come in messages are checked with it.
bool valid_plan(const GroupPlan& plan, uint32_t n);

// Steps per second of all workers, where each waits in its group for `enough` of the group.
double steps_per_second(const GroupPlan& plan, uint32_t enough,
                        std::span<const double> step_seconds);

struct Regrouping {
  std::optional<GroupPlan> plan;
  std::string reason;
};

// By how much a new plan must be faster to be worth the change.
inline constexpr double kWorthRegrouping = 1.1;
// A time of zero stands for one that was not measured yet.
Regrouping decide_regrouping(const GroupPlan& plan, uint32_t enough,
                             std::span<const double> step_seconds, uint64_t seed);

// What a group's controller knows of its members when it decides.
struct GroupState {
  uint32_t members = 0;
  uint32_t ready = 0;    // have ended a step and wait
  uint32_t resting = 0;  // have no work left
  uint32_t enough = 0;
  bool apart = false;       // others take turns with those who are ready and never meet them
  bool asked = false;       // another group waits for this one's mean
  bool time_is_up = false;  // for those who are not ready
};

struct CloseDecision {
  bool close = false;
  std::string reason;
};

// Those who rest take part in every round, but none begins for them alone unless asked for.
CloseDecision decide_close(const GroupState& state);

// With whom a group would trade in its round `round`: nobody where it gives the group itself.
uint32_t trade_partner(uint32_t group, uint32_t groups, uint64_t round, uint64_t seed);

// A part of the values.
struct Block {
  size_t from = 0, count = 0;
  size_t end() const { return from + count; }

  friend bool operator==(const Block&, const Block&) = default;
};

// Part `index` of `parts` nearly equal ones; some are empty where there are more than values.
Block block_of(size_t values, size_t index, size_t parts);
Block overlap(const Block& a, const Block& b);

}  // namespace hemiola

#include "hemiola/average/groups.h"

#include <stdexcept>

namespace hemiola {

GroupRounds::GroupRounds(Crew& crew)
    : Strategy(crew), basis_(link_basis(crew)), post_(crew.place()) {
  const AverageOptions& options = crew.options();
  const auto plan =
      std::make_shared<const GroupPlan>(first_plan(crew.size(), options.rule.members));
  seats_.reserve(crew.local().size());
  for (const WorkerId w : crew.local()) {
    seats_.push_back({GroupMember(crew_, post_, w, plan, basis_.get()), {}, {}, 0, {}});
    control(seats_.back());
  }
  if (crew.here(WorkerId{0})) speeds_.emplace(*plan, options.rule.enough, options.seed);
}

GroupSettings GroupRounds::settings() const {
  const AverageOptions& options = crew_.options();
  return {.enough = options.rule.enough,
          .trade_every = options.group_trade_every,
          .patience = seconds(options.group_patience_seconds),
          .seed = options.seed,
          .model_to_all = options.sabotage == AverageSabotage::model_to_all};
}

void GroupRounds::control(LocalSeat& s) {
  s.controller.reset();
  s.reported = 0;
  if (s.member.controller() != s.member.self()) return;
  s.controller.emplace(post_, s.member.self(), settings(), s.member.plan(), s.member.group());
}

void GroupRounds::stepped(WorkerId worker, Instant, Outbox& out) {
  post_.open(out);
  seat(worker).member.say_ready(false, pass_);
}

void GroupRounds::rested(WorkerId worker, Instant, Outbox& out) {
  post_.open(out);
  seat(worker).member.say_ready(true, pass_);
}

void GroupRounds::on_message(const Envelope& message, Instant now, Outbox& out) {
  post_.open(out);
  const auto taken = post_.take(message);
  if (taken) handle(seat(taken->head.to), *taken, now, out);
}

void GroupRounds::on_timer(uint64_t tag, Instant now, Outbox& out) {
  post_.open(out);
  LocalSeat& s = seat(WorkerId{static_cast<uint32_t>(tag - 1)});
  if (!s.controller) return;
  s.controller->on_timer(now);
  after_control(s, now, out);
}

void GroupRounds::up_again(NodeId peer, Instant, Outbox& out) {
  post_.open(out);
  post_.up_again(peer);
}

void GroupRounds::handle(LocalSeat& s, const GroupMessage& message, Instant now, Outbox& out) {
  const uint32_t plan = s.member.plan().number;
  if (message.kind == Kind::speeds) {
    on_speeds(message);
  } else if (message.head.plan == plan) {
    handle_in_plan(s, message, now, out);
  } else if (message.head.plan > plan) {
    s.later.push_back(message);
  } else {
    ++stale_;
    if (message.kind == Kind::propose) GroupController::turn_down(post_, message.head);
  }
}

void GroupRounds::handle_in_plan(LocalSeat& s, const GroupMessage& message, Instant now,
                                 Outbox& out) {
  const bool of_my_controller = message.head.from == s.member.controller();
  switch (message.kind) {
    case Kind::close:
      if (!of_my_controller) break;
      [[fallthrough]];
    case Kind::fuse:
    case Kind::trade:
    case Kind::may_rest:
    case Kind::block:
    case Kind::block_delta:
    case Kind::block_mean:
      s.member.on_message(message, out);
      return;
    case Kind::regrouped:
      if (!of_my_controller) throw std::runtime_error("a plan of somebody else");
      enter(s, read_plan(message), now, out);
      return;
    default:
      break;
  }
  if (!s.controller) throw std::runtime_error("a message to a controller that is none");
  if (message.kind == Kind::regroup) {
    if (message.head.from.value != 0) throw std::runtime_error("a plan of somebody else");
    s.next = read_plan(message);
    s.controller->freeze();
  } else {
    s.controller->on_message(message, now);
  }
  after_control(s, now, out);
}

void GroupRounds::after_control(LocalSeat& s, Instant now, Outbox& out) {
  GroupController& c = *s.controller;
  for (const std::string& reason : c.take_reasons()) decided(reason);
  if (const auto when = c.take_alarm()) {
    out.wake_at(MachineId::average, *when, s.member.self().value + 1);
  }
  // Who waits for new members while they are held by others, who wait too, would wait for ever.
  const AverageOptions& options = crew_.options();
  const uint32_t every = options.gap.most > 0 ? 0 : options.group_regroup_every;
  if (every > 0 && c.round() >= s.reported + every && s.member.plan().groups.size() > 1) {
    report(s, now);
  }
  if (!s.next || !c.idle()) return;
  const GroupPlan next = *std::exchange(s.next, std::nullopt);
  for (const auto& p : c.places()) {
    send_plan(Kind::regrouped, s.member.self(), p.worker, s.member.plan().number, next);
  }
}

// A step that takes longer than all before counts though it has not ended yet.
void GroupRounds::report(LocalSeat& s, Instant now) {
  s.reported = s.controller->round();
  std::vector<StepTime> times;
  for (const auto& p : s.controller->places()) {
    double step = p.steps > 0 ? p.computed.seconds() / p.steps : 0;
    if (p.released) step = std::max(step, (now - *p.released).seconds());
    times.push_back({p.worker, static_cast<float>(step)});
  }
  const GroupHead head{.from = s.member.self(), .to = WorkerId{0}, .plan = s.member.plan().number};
  post_.send(Kind::speeds, head, std::as_bytes(std::span<const StepTime>(times)));
}

void GroupRounds::on_speeds(const GroupMessage& message) {
  std::vector<StepTime> times(message.tail.size() / sizeof(StepTime));
  const bool fits = speeds_ && message.head.to.value == 0 && !times.empty() &&
                    message.tail.size() == times.size() * sizeof(StepTime);
  if (!fits) throw std::runtime_error("speeds that cannot be");
  std::memcpy(times.data(), message.tail.data(), message.tail.size());
  const GroupPlan before = speeds_->plan();
  if (!speeds_->report(message.head.plan, times)) return;
  decided(speeds_->reason());
  for (uint32_t g = 0; g < before.groups.size(); ++g) {
    send_plan(Kind::regroup, WorkerId{0}, before.controller(g), before.number, speeds_->plan());
  }
}

void GroupRounds::send_plan(Kind kind, WorkerId from, WorkerId to, uint32_t plan,
                            const GroupPlan& next) {
  Writer tail;
  tail.put(next.number).put(static_cast<uint32_t>(next.groups.size()));
  for (const auto& group : next.groups) tail.put_all(std::span<const uint32_t>(group));
  const GroupHead head{.from = from, .to = to, .plan = plan};
  post_.send(kind, head, std::move(tail).take().span());
}

GroupPlan GroupRounds::read_plan(const GroupMessage& message) const {
  Reader reader(message.tail);
  GroupPlan plan{reader.get<uint32_t>(), {}};
  const auto count = reader.get<uint32_t>();
  for (uint32_t g = 0; g < count && reader.ok(); ++g) {
    plan.groups.push_back(reader.get_all<uint32_t>());
  }
  const bool fits = reader.finished() && plan.number == message.head.plan + 1;
  if (!fits || !valid_plan(plan, crew_.size())) throw std::runtime_error("a plan that cannot be");
  return plan;
}

void GroupRounds::enter(LocalSeat& s, GroupPlan plan, Instant now, Outbox& out) {
  s.member.enter(std::make_shared<const GroupPlan>(std::move(plan)));
  control(s);
  for (const GroupMessage& m : std::exchange(s.later, {})) handle(s, m, now, out);
}

std::string GroupRounds::waits_for(WorkerId worker) const {
  const WorkerId controller = seat(worker).member.controller();
  if (crew_.here(controller) && seat(controller).controller) {
    return seat(controller).controller->waits_for();
  }
  return "the group of worker " + std::to_string(controller.value);
}

}  // namespace hemiola

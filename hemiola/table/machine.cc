#include "hemiola/table/machine.h"

#include <algorithm>

namespace hemiola {
namespace {

std::string in_seconds(Duration d) { return std::to_string(d.ns / 1'000'000'000) + " s"; }

}  // namespace

TableMachine::TableMachine(TableSet& tables) : TableMachine(tables, true) {}

TableMachine::TableMachine(TableSet& tables, bool initial)
    : tables_(tables),
      backups_(tables),
      owner_(tables, backups_),
      holder_(tables, owner_, backups_),
      keeper_(tables, backups_, initial),
      safe_points_(tables, {owner_, holder_, keeper_, backups_}),
      board_(tables.place()),
      rows_lost_(tables.size()),
      told_kept_(tables.place().nodes) {
  backups_.set_moves([this](TableId table, Key key) { return keeper_.moves_of(table, key); });
}

TableMachine::~TableMachine() = default;

void TableMachine::on(Event& event, Instant now, Outbox& out) {
  if (auto* arrived = std::get_if<MessageArrived>(&event)) {
    on_message(arrived->envelope, now, out);
  } else if (auto* posted = std::get_if<CallPosted>(&event)) {
    on_call(static_cast<TableCall&>(*posted->call), now, out);
  } else if (auto* fired = std::get_if<TimerFired>(&event)) {
    if (fired->tag == Keeper::kPaceTimer) {
      keeper_.on_timer(now, out);
    } else if (fired->tag == Backups::kTimer) {
      backups_.on_timer();
    } else {
      on_timer(now, out);
    }
  } else if (auto* up = std::get_if<PeerUp>(&event)) {
    if (up->again) on_link_again(up->peer, out);
  } else if (auto* lost = std::get_if<PeerLost>(&event)) {
    if (lost->peer.value < tables_.place().nodes) owner_.link_lost(lost->peer);
  } else if (const auto* notice = std::get_if<Notice>(&event)) {
    on_notice(*notice, now, out);
  }
  if (safe_points_.advance()) release_waiting(out);
  backups_.round(now, !ready_ || safe_points_.waited_for(), out);
}

void TableMachine::on_call(TableCall& call, Instant now, Outbox& out) {
  switch (call.op) {
    case TableOp::fetch: {
      auto& fetch = static_cast<FetchCall&>(call);
      if (tables_.rows(fetch.table).adapts()) {
        keeper_.fetch(fetch, now, out);
      } else {
        holder_.fetch(fetch, out);
      }
      if (fetch.open != 0) wait(call, now, out);
      return;
    }
    case TableOp::push: {
      auto& push = static_cast<PushCall&>(call);
      if (tables_.rows(push.table).adapts()) {
        keeper_.push(push, out);
      } else {
        holder_.push(push, out);
      }
      break;
    }
    case TableOp::intend: {
      auto& intend = static_cast<IntendCall&>(call);
      keeper_.intend(call.worker, intend.clock, intend.intents, now, out);
      return out.complete(call);
    }
    case TableOp::tick: {
      auto& tick = static_cast<TickCall&>(call);
      flush(call.worker, Clock{tick.clock.value - 1}, tick.dirty, out);
      holder_.evict(tick, out);
      if (tables_.any_adapts()) keeper_.ticked(tick, now, out);
      worker_is_at(call.worker, tick.clock, false);
      break;
    }
    case TableOp::barrier: {
      auto& barrier = static_cast<BarrierCall&>(call);
      add_what_was_left_out(barrier.dirty);
      flush(call.worker, barrier.clock, barrier.dirty, out);
      if (tables_.any_adapts()) keeper_.at_barrier(call.worker, out);
      worker_is_at(call.worker, barrier.clock, true);
      barrier.clock = kClockNever;
      break;
    }
    case TableOp::secure: {
      auto& secure = static_cast<SecureCall&>(call);
      flush(call.worker, secure.clock, secure.dirty, out);
      secure.point = safe_points_.add(secure.wait);
      if (!secure.wait) return out.complete(call);
      break;
    }
  }
  wait(call, now, out);
  clocks_moved(out);
}

void TableMachine::flush(WorkerId worker, Clock clock, std::vector<DirtyKeys>& dirty, Outbox& out) {
  for (DirtyKeys& keys : dirty) {
    if (keys.keys.empty()) continue;
    if (tables_.rows(keys.table).adapts()) {
      keeper_.flush(keys, out);
    } else {
      holder_.flush(worker, clock, keys, out);
    }
  }
}

// Behind a barrier rows are the sum of all that was done, what codings left in copies included.
void TableMachine::add_what_was_left_out(std::vector<DirtyKeys>& dirty) {
  for (DirtyKeys& keys : dirty) {
    const Rows& rows = tables_.rows(keys.table);
    keys.whole = rows.options().coding.lossy();
    if (keys.whole) rows.for_each_copy([&](Key key) { keys.keys.push_back(key); });
  }
}

// A worker's clock counts once all its updates from before it are in.
void TableMachine::worker_is_at(WorkerId worker, Clock clock, bool barrier) {
  unsettled_.push_back({worker, clock, barrier, keeper_.batches()});
  clocks_settled();
}

bool TableMachine::clocks_settled() {
  bool any = false;
  while (!unsettled_.empty() && keeper_.settled(unsettled_.front().batch)) {
    const Unsettled& u = unsettled_.front();
    if (u.barrier) {
      board_.worker_at_barrier(u.worker, u.clock);
    } else {
      board_.worker_at(u.worker, u.clock);
    }
    unsettled_.pop_front();
    any = true;
  }
  return any;
}

void TableMachine::on_message(const Envelope& envelope, Instant now, Outbox& out) {
  const NodeId from = envelope.from;
  const Bytes& body = envelope.body;
  const bool survival = envelope.kind >= Kind::backup && envelope.kind <= Kind::survival_acked;
  if (!survival && from.value >= tables_.place().nodes) return;
  Reader reader(body);
  switch (envelope.kind) {
    case Kind::pull:
      return on_pull(from, body, true, out);
    case Kind::unsubscribe:
      return on_pull(from, body, false, out);
    case Kind::update:
      return owner_.update(from, body, out);
    case Kind::rows:
      holder_.rows(from, body, out);
      return release_waiting(out);
    case Kind::refresh:
      return holder_.refresh(from, body, out);
    case Kind::mark: {
      const auto message = reader.get<MarkMessage>();
      if (!reader.finished()) break;
      if (message.batches > owner_.received(from)) return;
      board_.mark(from, message.mark);
      clocks_moved(out);
      tell_what_is_kept(from, out);
      if (tables_.any_adapts()) keeper_.peer_ticked(from, now, out);
      return owner_.peer_ticked(from, out);
    }
    case Kind::applied: {
      const auto applied = reader.get<AppliedBody>();
      if (!reader.finished()) break;
      if (applied.received != 0) return owner_.peer_took_in(from, applied.received, out);
      holder_.applied(from, applied, out);
      return release_waiting(out);
    }
    default:
      if (survival) return on_survival(envelope, now, out);
      if (envelope.kind < Kind::ask || envelope.kind > Kind::acked) break;
      keeper_.on_message(envelope, now, out);
      if (clocks_settled()) return clocks_moved(out);
      return release_waiting(out);
  }
  out.say(Level::error, "dropped a message to the tables that cannot be read");
}

void TableMachine::on_pull(NodeId from, const Bytes& body, bool subscribe, Outbox& out) {
  auto pull = PullBody::decode(body);
  if (!pull) {
    out.say(Level::error, "dropped a request for rows that cannot be read");
  } else if (subscribe) {
    owner_.pull(from, std::move(*pull), out);
  } else {
    owner_.unsubscribe(from, *pull);
  }
}

// Tells the others when this node's clock moved, and acts on what is complete now.
void TableMachine::clocks_moved(Outbox& out) {
  const NodeId self = tables_.place().self;
  for (;;) {
    const MarkBody& own = board_.own();
    if (own.clock != told_.clock || own.generation != told_.generation) {
      told_ = own;
      for (uint32_t n = 0; n < tables_.place().nodes; ++n) {
        if (NodeId{n} != self) send_mark(NodeId{n}, out);
      }
    }
    const bool passed = board_.pass_barrier();
    if (passed) keeper_.barrier_passed();
    const Clock complete = board_.slowest();
    if (complete != kClockNever && complete > owner_.complete()) {
      owner_.advance(complete, out);
      if (tables_.any_adapts()) keeper_.advance(complete, out);
      tables_.slowest.store(complete.value, std::memory_order_release);
    }
    if (!passed) break;
  }
  release_waiting(out);
}

void TableMachine::send_mark(NodeId to, Outbox& out) {
  out.send(to, Kind::mark, encode_head(MarkMessage{board_.own(), holder_.sent(to)}));
}

std::optional<NodeId> TableMachine::backlog() const {
  const auto node = holder_.backlog();
  return node ? node : keeper_.backlog();
}

bool TableMachine::may_go_on(const TableCall& call) const {
  switch (call.op) {
    case TableOp::fetch:
      return static_cast<const FetchCall&>(call).open == 0;
    case TableOp::push:
      return !backlog();
    case TableOp::intend:
      return true;
    case TableOp::tick:
      return !backlog() &&
             tables_.gate().may_start(static_cast<const TickCall&>(call).clock, board_.slowest());
    case TableOp::barrier:
      return static_cast<const BarrierCall&>(call).clock != kClockNever;
    case TableOp::secure:
      return safe_points_.safe(static_cast<const SecureCall&>(call).point);
  }
  return true;
}

void TableMachine::wait(TableCall& call, Instant now, Outbox& out) {
  waiting_.push_back({&call, now, now});
  if (timer_set_) return;
  timer_set_ = true;
  out.wake_at(MachineId::table, now + kLongWait, 0);
}

// Fetches are completed by the holder and only leave the list here; all others are completed here.
void TableMachine::release_waiting(Outbox& out) {
  for (Waiting& w : waiting_) {
    if (w.call->op != TableOp::barrier) continue;
    auto& barrier = static_cast<BarrierCall&>(*w.call);
    const auto& own = board_.own();
    // A worker that came to the barrier is counted at kClockNever until all have passed it.
    const bool comes = std::any_of(unsettled_.begin(), unsettled_.end(),
                                   [&](const Unsettled& u) { return u.worker == w.call->worker; });
    if (!comes && board_.worker_clock(w.call->worker) != kClockNever) barrier.clock = own.start;
  }
  std::erase_if(waiting_, [&](const Waiting& w) {
    if (!may_go_on(*w.call)) return false;
    if (w.call->op != TableOp::fetch) {
      w.call->waited_for = board_.slowest_node();
      out.complete(*w.call);
    }
    return true;
  });
}

void TableMachine::on_timer(Instant now, Outbox& out) {
  timer_set_ = !waiting_.empty();
  if (timer_set_) out.wake_at(MachineId::table, now + seconds(1), 0);
  for (Waiting& w : waiting_) {
    if (now - w.said < kLongWait) continue;
    w.said = now;
    out.say(Level::warning, "worker " + std::to_string(w.call->worker.value) + " has waited " +
                                in_seconds(now - w.since) + " " + why_waits(*w.call));
  }
}

std::string TableMachine::why_waits(const TableCall& call) const {
  const auto node = [](NodeId n) { return "node " + std::to_string(n.value); };
  switch (call.op) {
    case TableOp::fetch: {
      const auto& fetch = static_cast<const FetchCall&>(call);
      const auto owner = tables_.rows(fetch.table).adapts() ? keeper_.fetch_waits_for(fetch)
                                                            : holder_.fetch_waits_for(fetch);
      const std::string from = owner ? "for rows of " + node(*owner) : "for rows";
      return from + " (the slowest: " + board_.why() + ")";
    }
    case TableOp::intend:
      return {};
    case TableOp::push:
    case TableOp::tick:
      if (const auto slow = backlog()) return "for " + node(*slow) + " to take in updates";
      if (call.op == TableOp::push) return "for a push to be on its way";
      return "to start clock " + std::to_string(static_cast<const TickCall&>(call).clock.value) +
             ": " + board_.why();
    case TableOp::barrier:
      return "at a barrier: " + board_.why();
    case TableOp::secure:
      return "for its changes to be on two nodes: " + safe_points_.why();
  }
  return {};
}

void TableMachine::on_link_again(NodeId peer, Outbox& out) {
  backups_.streams().link_again(peer, out);
  if (peer.value >= tables_.place().nodes) return;
  holder_.link_again(peer, out);
  if (tables_.any_adapts()) keeper_.link_again(peer, out);
  send_mark(peer, out);
  owner_.link_again(peer, out);
}

}  // namespace hemiola

#include "hemiola/table/machine.h"

#include <algorithm>

namespace hemiola {
namespace {

std::string in_seconds(Duration d) { return std::to_string(d.ns / 1'000'000'000) + " s"; }

}  // namespace

TableMachine::TableMachine(TableSet& tables)
    : tables_(tables), owner_(tables), holder_(tables, owner_), board_(tables.place()) {}

void TableMachine::on(Event& event, Instant now, Outbox& out) {
  if (auto* arrived = std::get_if<MessageArrived>(&event)) {
    on_message(arrived->envelope, out);
  } else if (auto* posted = std::get_if<CallPosted>(&event)) {
    on_call(static_cast<TableCall&>(*posted->call), now, out);
  } else if (std::get_if<TimerFired>(&event)) {
    on_timer(now, out);
  } else if (auto* up = std::get_if<PeerUp>(&event)) {
    if (up->again) on_link_again(up->peer, out);
  } else if (auto* lost = std::get_if<PeerLost>(&event)) {
    owner_.link_lost(lost->peer);
  }
}

void TableMachine::on_call(TableCall& call, Instant now, Outbox& out) {
  switch (call.op) {
    case TableOp::fetch: {
      auto& fetch = static_cast<FetchCall&>(call);
      holder_.fetch(fetch, out);
      if (fetch.open != 0) wait(call, now, out);
      return;
    }
    case TableOp::push:
      holder_.push(static_cast<PushCall&>(call), out);
      break;
    case TableOp::tick: {
      auto& tick = static_cast<TickCall&>(call);
      holder_.flush(call.worker, Clock{tick.clock.value - 1}, tick.dirty, out);
      holder_.evict(call.worker, out);
      board_.worker_at(call.worker, tick.clock);
      break;
    }
    case TableOp::barrier: {
      auto& barrier = static_cast<BarrierCall&>(call);
      holder_.flush(call.worker, barrier.clock, barrier.dirty, out);
      board_.worker_at_barrier(call.worker, barrier.clock);
      barrier.clock = kClockNever;
      break;
    }
  }
  wait(call, now, out);
  clocks_moved(out);
}

void TableMachine::on_message(const Envelope& envelope, Outbox& out) {
  const NodeId from = envelope.from;
  const Bytes& body = envelope.body;
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
      break;
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
    const Clock complete = board_.slowest();
    if (complete != kClockNever && complete > owner_.complete()) {
      owner_.advance(complete, out);
      tables_.slowest.store(complete.value, std::memory_order_release);
    }
    if (!passed) break;
  }
  release_waiting(out);
}

void TableMachine::send_mark(NodeId to, Outbox& out) {
  out.send(to, Kind::mark, encode_head(MarkMessage{board_.own(), holder_.sent(to)}));
}

bool TableMachine::may_go_on(const TableCall& call) const {
  switch (call.op) {
    case TableOp::fetch:
      return static_cast<const FetchCall&>(call).open == 0;
    case TableOp::push:
      return !holder_.backlog();
    case TableOp::tick:
      return !holder_.backlog() &&
             tables_.gate().may_start(static_cast<const TickCall&>(call).clock, board_.slowest());
    case TableOp::barrier:
      return static_cast<const BarrierCall&>(call).clock != kClockNever;
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
    if (board_.worker_clock(w.call->worker) != kClockNever) barrier.clock = own.start;
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
      const auto owner = holder_.fetch_waits_for(static_cast<const FetchCall&>(call));
      const std::string from = owner ? "for rows of " + node(*owner) : "for rows";
      return from + " (the slowest: " + board_.why() + ")";
    }
    case TableOp::push:
    case TableOp::tick:
      if (const auto slow = holder_.backlog()) return "for " + node(*slow) + " to take in updates";
      if (call.op == TableOp::push) return "for a push to be on its way";
      return "to start clock " + std::to_string(static_cast<const TickCall&>(call).clock.value) +
             ": " + board_.why();
    case TableOp::barrier:
      return "at a barrier: " + board_.why();
  }
  return {};
}

void TableMachine::on_link_again(NodeId peer, Outbox& out) {
  holder_.link_again(peer, out);
  send_mark(peer, out);
  owner_.link_again(peer, out);
}

}  // namespace hemiola

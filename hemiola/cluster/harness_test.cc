#include "hemiola/cluster/harness_test.h"

#include "hemiola/cluster/why.h"
#include "hemiola/core/check.h"

namespace hemiola {
namespace {

std::string text(const std::vector<double>& values) {
  std::string all;
  for (double v : values) {
    std::string one = std::to_string(v);
    one.erase(one.find_last_not_of('0') + 1);
    if (one.back() == '.') one.pop_back();
    all += " " + one;
  }
  return all;
}

// The workers of each node: "epoch 1: 0 1 | 2 | 3 4".
std::string text(const View& view) {
  std::string all = "epoch " + std::to_string(view.epoch.value) + ":";
  for (const Member& m : view.members) {
    if (m.node.value > 0) all += " |";
    for (uint32_t w = 0; w < m.workers; ++w) all += " " + std::to_string(m.first_worker.value + w);
  }
  return all;
}

std::string number(uint32_t n) { return std::to_string(n); }

const char* name_of_level(Level level) {
  constexpr const char* kNames[] = {"debug", "info", "warning", "error"};
  return kNames[static_cast<size_t>(level)];
}

}  // namespace

std::string describe(Kind kind, const Bytes& body) {
  switch (kind) {
    case Kind::join: {
      const auto m = Join::decode(body).value();
      return "join " + number(m.workers) + " workers at " + m.address;
    }
    case Kind::view:
      return "view " + text(decode_view(body).value());
    case Kind::ready:
      return "ready";
    case Kind::start:
      return "start";
    case Kind::heartbeat: {
      const auto m = Heartbeat::decode(body).value();
      return "heartbeat " + std::to_string(m.number) + " [" + m.blocks_wait_for + "] [" +
             m.reduce_waits_for + "] [" + m.finish_waits_for + "]";
    }
    case Kind::failed: {
      const auto m = Failed::decode(body).value();
      constexpr const char* kWhat[] = {"worker", "lost", "silent", "unreachable", "nonsense"};
      return std::string("failed ") + kWhat[static_cast<size_t>(m.what)] + " " +
             (m.subject == kNoWorker.value ? "none" : number(m.subject)) + ": " + m.text;
    }
    case Kind::finished: {
      const auto m = Finished::decode(body).value();
      return m.worker == kNoWorker ? "finished node" : "finished worker " + number(m.worker.value);
    }
    case Kind::end: {
      const auto m = End::decode(body).value();
      return std::string(m.instance ? "end refused: "
                         : m.ok     ? "end ok: "
                                    : "end failed: ") +
             m.reason;
    }
    case Kind::want_block: {
      const auto m = WantBlock::decode(body).value();
      return "want_block worker " + number(m.worker.value) + " pass " + number(m.pass);
    }
    case Kind::give_block: {
      const auto m = GiveBlock::decode(body).value();
      return "give_block worker " + number(m.worker.value) + " pass " + number(m.pass) + ": " +
             (m.block ? "block " + number(*m.block)
              : m.cut ? "none: the job is to end"
                      : "none");
    }
    case Kind::reduce_part: {
      const auto m = ReducePart::decode(body).value();
      return "reduce_part " + number(m.round) + " worker " + number(m.worker.value) + ":" +
             text(m.values) + (m.cut ? " cut" : "");
    }
    case Kind::ask_leave:
      return AskLeave::decode(body)->whole_job ? "ask_leave whole job" : "ask_leave";
    case Kind::blocks_done: {
      const auto m = BlocksDone::decode(body).value();
      std::string all;
      for (const BlockDone& b : m.blocks) all += " " + number(b.block);
      return "blocks_done pass " + number(m.pass) + ":" + all;
    }
    case Kind::reduce_sum: {
      const auto m = ReduceSum::decode(body).value();
      return "reduce_sum " + number(m.round) + ":" + text(m.totals.reduced) +
             (m.closes ? " closes pass " + number(*m.closes) : "") +
             (m.winds_up ? " winds up" : "");
    }
    default:
      return "kind " + number(static_cast<uint32_t>(kind));
  }
}

// Long lines go on below, indented.
void Harness::note(const std::string& line) {
  constexpr size_t kColumns = 98;
  std::string rest = line;
  while (rest.size() > kColumns) {
    const size_t space = rest.rfind(' ', kColumns);
    log_ += rest.substr(0, space) + "\n";
    rest = "      " + rest.substr(space + 1);
  }
  log_ += rest + "\n";
}

std::string Invariants::viewed(NodeId node, const View& view) {
  viewers_.insert(node);
  const Bytes bytes = encode_view(view);
  const auto [at, first] = views_.emplace(view.epoch, bytes);
  const bool same = at->second.size() == bytes.size() &&
                    std::equal(bytes.data(), bytes.data() + bytes.size(), at->second.data());
  return same ? "" : "two different views of one epoch";
}

std::string Invariants::started(NodeId node, size_t links) {
  if (views_.size() != 1) return "a start with " + std::to_string(views_.size()) + " views";
  const size_t nodes = decode_view(views_.begin()->second)->nodes();
  if (viewers_.size() != nodes) return "a start before all have the view";
  if (links + 1 != nodes) return name_of(node) + " starts without connections to all";
  return "";
}

std::string Invariants::ended(NodeId node, const JobOver&) {
  return ended_.insert(node).second ? "" : name_of(node) + " was told twice that the job is over";
}

std::string Invariants::given(WorkerId worker, uint32_t pass, uint32_t block) {
  if (dealt_[pass].insert(block).second) return "";
  return "block " + number(block) + " of pass " + number(pass) + " was given again, to worker " +
         number(worker.value);
}

std::string Invariants::summed(uint32_t round, const std::vector<double>& sum) {
  const auto [at, first] = sums_.emplace(round, sum);
  return at->second == sum ? "" : "two sums of reduce " + number(round);
}

Harness::Harness(uint32_t nodes, uint32_t workers_per_node)
    : options_(nodes), nodes_(nodes), lives_(nodes) {
  for (uint32_t n = 0; n < nodes; ++n) {
    options_[n].self = NodeId{n};
    options_[n].nodes = nodes;
    options_[n].workers = workers_per_node;
    options_[n].address = "tcp:host" + number(n) + ":1";
    options_[n].rendezvous = "tcp:host0:1";
    options_[n].instance = n + 1;
  }
}

uint32_t Harness::workers() const {
  uint32_t sum = 0;
  for (const ClusterOptions& o : options_) sum += o.workers;
  return sum;
}

uint32_t Harness::node_of_worker(WorkerId worker) const {
  uint32_t node = 0;
  uint32_t left = worker.value;
  while (left >= options_[node].workers) left -= options_[node++].workers;
  return node;
}

void Harness::start(uint32_t node) {
  nodes_[node] = {};
  invariants_.born(NodeId{node});
  nodes_[node].core = std::make_unique<NodeCore>(NodeId{node});
  nodes_[node].core->add(MachineId::cluster, std::make_unique<ClusterMachine>(options_[node]));
  ++lives_[node];
  run(node, TimerFired{MachineId::cluster, 0});
}

void Harness::start_all() {
  for (uint32_t n = 0; n < nodes_.size(); ++n) start(n);
}

void Harness::check(const std::string& violation) {
  if (violation.empty() || !violation_.empty()) return;
  violation_ = violation;
  note("BROKEN: " + violation);
}

void Harness::run(uint32_t node, Event event) {
  Outbox out;
  nodes_[node].core->on(std::move(event), now_, out);
  carry_out(node, out);
}

void Harness::carry_out(uint32_t node, Outbox& out) {
  Node& n = nodes_[node];
  for (const auto& line : out.lines) {
    note(number(node) + " says " + name_of_level(line.level) + ": " + line.text);
  }
  for (auto& send : out.sends) {
    if (!n.links.contains(send.to.value)) continue;
    Envelope e{NodeId{node}, send.to, n.core->epoch(), send.kind, std::move(send.body)};
    if (tamper_) tamper_(e);
    queues_[{node, send.to.value}].push_back(MessageArrived{std::move(e)});
  }
  for (const auto& wake : out.wakes) {
    timers_.insert({wake.when, order_++, node, wake.target, wake.tag, lives_[node]});
  }
  for (Call* call : out.completions) completed_call(*call);
  for (const Notice& notice : out.notices) told(node, notice);
  for (const auto& d : out.dials) dial(node, d.peer.value);
  if (n.over) close(node, "closed the connection");
}

void Harness::told(uint32_t node, const Notice& notice) {
  Node& n = nodes_[node];
  const std::string who = number(node) + " ";
  if (const auto* view = std::get_if<ViewChanged>(&notice)) {
    note(who + "has the view " + text(view->view));
    check(invariants_.viewed(NodeId{node}, view->view));
  } else if (std::get_if<JobStarted>(&notice)) {
    n.started = true;
    note(who + "starts");
    check(invariants_.started(NodeId{node}, n.ever_linked.size()));
  } else if (const auto* over = std::get_if<JobOver>(&notice)) {
    n.over = *over;
    note(who + (over->early ? "ends early: " : over->ok ? "is done: " : "ends: ") + over->reason);
    check(invariants_.ended(NodeId{node}, *over));
  }
}

void Harness::completed_call(Call& call) {
  HEMIOLA_CHECK(call.done == 0);
  call.done = 1;
  std::string line = "worker " + number(call.worker.value) + " ";
  auto& cluster = static_cast<ClusterCall&>(call);
  if (!call.error.empty()) {
    line += "is told: " + call.error;
  } else if (cluster.op == ClusterOp::next_block) {
    const auto& next = static_cast<NextBlock&>(call);
    line += next.block ? "gets block " + number(*next.block) : "gets no block";
    if (next.block) check(invariants_.given(call.worker, next.pass, *next.block));
  } else if (cluster.op == ClusterOp::reduce) {
    const auto& reduce = static_cast<Reduce&>(call);
    line += "gets the sum" + text(reduce.values);
    if (reduce.closes) line += " and closes pass " + number(*reduce.closes);
    if (reduce.winds_up) line += ", the last but for the end's";
    check(invariants_.summed(reduce.round, reduce.values));
  } else {
    line += cluster.op == ClusterOp::finish ? "may go" : "has told its failure";
  }
  note(line);
}

void Harness::dial(uint32_t from, uint32_t to) {
  if (!nodes_[to].core || nodes_[to].over) {
    queues_[{to, from}].push_back(PeerLost{NodeId{to}, "connection refused"});
    return;
  }
  nodes_[from].links.insert(to);
  nodes_[to].links.insert(from);
  nodes_[from].ever_linked.insert(to);
  nodes_[to].ever_linked.insert(from);
  queues_[{to, from}].push_back(PeerUp{NodeId{to}});
  queues_[{from, to}].push_back(PeerUp{NodeId{from}});
}

void Harness::close(uint32_t node, const std::string& why) {
  for (uint32_t peer : std::exchange(nodes_[node].links, {})) {
    nodes_[peer].links.erase(node);
    queues_[{peer, node}].clear();
    queues_[{node, peer}].push_back(PeerLost{NodeId{node}, why});
  }
}

void Harness::lose(uint32_t node, const std::string& why) {
  nodes_[node].core.reset();
  close(node, why);
  for (auto& [queue, events] : queues_) {
    if (queue.second == node) events.clear();
  }
}

void Harness::cut(uint32_t a, uint32_t b, const std::string& why) {
  nodes_[a].links.erase(b);
  nodes_[b].links.erase(a);
  queues_[{a, b}].push_back(PeerLost{NodeId{a}, why});
  queues_[{b, a}].push_back(PeerLost{NodeId{b}, why});
}

void Harness::thaw(uint32_t node) { nodes_[node].frozen = false; }

std::vector<Harness::Queue> Harness::waiting() const {
  std::vector<Queue> waiting;
  for (const auto& [queue, events] : queues_) {
    if (!events.empty() && awake(queue.second)) waiting.push_back(queue);
  }
  return waiting;
}

void Harness::deliver(const Queue& queue) {
  Event event = std::move(queues_[queue].front());
  queues_[queue].pop_front();
  const auto* arrived = std::get_if<MessageArrived>(&event);
  const bool beat = arrived && arrived->envelope.kind == Kind::heartbeat;
  if (arrived && (beat ? show_heartbeats_ : show_messages_)) {
    note(number(queue.first) + "->" + number(queue.second) + " " +
         describe(arrived->envelope.kind, arrived->envelope.body));
  }
  run(queue.second, std::move(event));
}

bool Harness::deliver_one(Random& random) {
  const std::vector<Queue> queues = waiting();
  if (queues.empty()) return false;
  deliver(queues[random.below(queues.size())]);
  return true;
}

// In rounds over the connections, so that none runs far ahead.
void Harness::deliver_all() {
  for (std::vector<Queue> queues = waiting(); !queues.empty(); queues = waiting()) {
    for (const Queue& queue : queues) {
      if (!queues_[queue].empty() && awake(queue.second)) deliver(queue);
    }
  }
}

void Harness::advance(Duration d) {
  const Instant until = now_ + d;
  deliver_all();
  for (;;) {
    auto next = timers_.begin();
    while (next != timers_.end() && nodes_[next->node].frozen) ++next;
    if (next == timers_.end() || next->when > until) break;
    const Timer timer = *next;
    timers_.erase(next);
    now_ = std::max(now_, timer.when);
    if (!nodes_[timer.node].core || lives_[timer.node] != timer.life) continue;
    run(timer.node, TimerFired{timer.target, timer.tag});
    deliver_all();
  }
  now_ = until;
}

bool Harness::fire_next_timer() {
  for (auto next = timers_.begin(); next != timers_.end();) {
    if (nodes_[next->node].frozen) {
      ++next;
      continue;
    }
    const Timer timer = *next;
    next = timers_.erase(next);
    now_ = std::max(now_, timer.when);
    if (!nodes_[timer.node].core || lives_[timer.node] != timer.life) continue;
    run(timer.node, TimerFired{timer.target, timer.tag});
    return true;
  }
  return false;
}

void Harness::post(std::shared_ptr<ClusterCall> call, WorkerId worker) {
  call->worker = worker;
  ClusterCall* posted = call.get();
  calls_[worker].push_back(std::move(call));
  const uint32_t node = node_of_worker(worker);
  if (awake(node) && !nodes_[node].over) run(node, CallPosted{posted});
}

ClusterCall* Harness::completed(WorkerId worker) {
  auto& calls = calls_[worker];
  return !calls.empty() && calls.back()->done ? calls.back().get() : nullptr;
}

void Harness::inject_notice(uint32_t node, Notice notice) { run(node, std::move(notice)); }

void Harness::inject(uint32_t from, uint32_t to, Kind kind, Bytes body) {
  if (!awake(to)) return;
  run(to,
      MessageArrived{{NodeId{from}, NodeId{to}, nodes_[to].core->epoch(), kind, std::move(body)}});
}

}  // namespace hemiola

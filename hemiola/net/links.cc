#include "hemiola/net/links.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "hemiola/core/check.h"

namespace hemiola::net {
namespace {

// A peer says so before it closes; its loss is then no news for a while, see bury().
constexpr Kind kGoodbye{0x0003};
constexpr Duration kGrace = milliseconds(1000);
constexpr size_t kReasonBytes = 500;

constexpr uint32_t kEvents = EPOLLIN | EPOLLRDHUP;
constexpr uint32_t kEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

std::string node_text(NodeId node) { return "node " + std::to_string(node.value); }

}  // namespace

struct Links::Connection {
  Connection(uint64_t t, Fd f, bool is_tcp, Handshake h, std::string w, Instant end)
      : token(t), fd(std::move(f)), tcp(is_tcp), handshake(h), where(std::move(w)), deadline(end) {}

  uint64_t token;
  Fd fd;
  bool tcp;
  Handshake handshake;
  std::string where;
  Instant deadline;  // until it is up
  bool connecting = false;
  bool dirty = false;
  bool reading = false;
  bool failed = false;
  bool retry = false;
  bool refused = false;  // by the handshake, and another try would end alike
  bool wants_out = false;
  bool ending = false;
  std::string why;      // failed
  std::string goodbye;  // the reason that the peer gave
  Block incoming;
  size_t have = 0;             // bytes of incoming
  std::unique_ptr<Link> link;  // once authenticated
  size_t counted = 0;          // its part of backlog_
};

struct Links::Peer {
  struct Waiting {
    Kind kind;
    Epoch epoch;
    Bytes body;
  };

  Connection* connection = nullptr;  // authenticated; used for messages once `up`
  bool up = false;
  bool lost_before = false;

  bool dialling = false;
  std::string address;
  Instant deadline;
  Instant next_try;
  uint32_t tries = 0;
  Connection* attempt = nullptr;
  std::string last_why;

  std::vector<Waiting> waiting;  // while dialling
  size_t waiting_bytes = 0;

  std::optional<Instant> grace;  // it said goodbye and is gone; told as lost then
  std::string grace_why;
};

Links::Links(const LinksOptions& options, Listener listener, Poller& poller, LinkSink& sink)
    : options_(options),
      listener_(std::move(listener)),
      poller_(poller),
      sink_(sink),
      tls_(options.tls),
      peers_(options.identity.nodes) {
  if (listener_.fd() >= 0) poller_.add(listener_.fd(), kListener, EPOLLIN);
}

Links::~Links() = default;

bool Links::wants_tls(const SocketAddress& other) const {
  using Use = TlsSettings::Use;
  return options_.tls.use == Use::always ||
         (options_.tls.use == Use::automatic && !other.is_local());
}

Links::Connection& Links::open(Fd fd, bool tcp, Handshake handshake, std::string where,
                               Instant now) {
  tune(fd.get(), tcp, options_.silence_ms);
  const uint64_t token = next_token_++;
  const Instant deadline = now + milliseconds(options_.hello_ms);
  want_tick(deadline);
  auto& place = connections_[token];
  place = std::make_unique<Connection>(token, std::move(fd), tcp, handshake, std::move(where),
                                       deadline);
  return *place;
}

void Links::accept_all(Instant now) {
  for (;;) {
    SocketAddress from;
    Fd fd = listener_.accept(from);
    if (!fd) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN) return;
      sink_.say(Level::warning, "cannot accept a connection: " + system_text(errno));
      return want_tick(now + milliseconds(100));
    }
    if (strangers_ >= options_.max_strangers) continue;  // closes it; a peer will try again
    ++strangers_;
    auto handshake = Handshake::accept(options_.identity, wants_tls(from), random_nonce());
    const bool tcp = from.storage.ss_family != AF_UNIX;
    Connection& connection = open(std::move(fd), tcp, handshake, from.text(), now);
    poller_.add(connection.fd.get(), connection.token, kEvents);
  }
}

void Links::dial(NodeId to, const std::string& address, Instant now) {
  HEMIOLA_CHECK(to.value < peers_.size() && to != options_.identity.self);
  Peer& peer = peers_[to.value];
  peer.address = address;
  if (peer.up || peer.dialling) return;
  peer.dialling = true;
  peer.deadline = now + milliseconds(options_.join_ms);
  peer.next_try = now;
  peer.tries = 0;
  peer.last_why = "no answer";
  want_tick(now);
}

void Links::attempt(NodeId to, Instant now) {
  Peer& peer = peers_[to.value];
  try {
    const auto all = resolve(Address::parse(peer.address));
    const SocketAddress& at = all[peer.tries % all.size()];
    Fd fd = start_connect(at);
    if (!fd) return retry_dial(to, system_text(errno), now);
    const bool tls = wants_tls(at);
    auto handshake = Handshake::dial(options_.identity, to, tls, random_nonce());
    const bool tcp = at.storage.ss_family != AF_UNIX;
    Connection& connection = open(std::move(fd), tcp, handshake, peer.address, now);
    connection.connecting = true;
    peer.attempt = &connection;
    poller_.add(connection.fd.get(), connection.token, kEvents | EPOLLOUT);
  } catch (const UserError& error) {
    retry_dial(to, error.what(), now);
  }
}

void Links::hang_up(NodeId node) {
  Peer& peer = peers_[node.value];
  peer.dialling = false;
  backlog_ -= peer.waiting_bytes;
  peer.waiting_bytes = 0;
  peer.waiting.clear();
  if (peer.attempt) fail(*peer.attempt, "hung up", false);
  if (!peer.connection) return;
  flush(*peer.connection);
  fail(*peer.connection, "hung up", false);
}

void Links::retry_dial(NodeId to, std::string why, Instant now) {
  Peer& peer = peers_[to.value];
  if (!peer.dialling) return;
  peer.last_why = std::move(why);
  peer.next_try = now + milliseconds(std::min(50 << std::min(peer.tries, 2u), 200));
  ++peer.tries;
  want_tick(peer.next_try);
}

void Links::end_dial(NodeId to, const std::string& why, bool final) {
  Peer& peer = peers_[to.value];
  if (!peer.dialling) return;
  peer.dialling = false;
  lost(to, node_text(to) + " at " + peer.address + " cannot be used: " + why, final);
}

void Links::connected(Connection& connection) {
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(connection.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(connection, system_text(error), true);
  connection.connecting = false;
  poller_.change(connection.fd.get(), connection.token, kEvents);
  const Block first = connection.handshake.opening();
  if (::send(connection.fd.get(), &first, sizeof(first), MSG_NOSIGNAL) != sizeof(first)) {
    fail(connection, system_text(errno), true);
  }
}

// Takes handshake blocks; never reads past the one that is awaited.
void Links::greet(Connection& connection, Instant now) {
  while (!connection.failed && !connection.link) {
    auto* into = reinterpret_cast<std::byte*>(&connection.incoming) + connection.have;
    const ssize_t got = ::recv(connection.fd.get(), into, sizeof(Block) - connection.have, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail(connection, "it closed the connection before it was known", true);
    connection.have += static_cast<size_t>(got);
    if (connection.have == sizeof(Block)) {
      connection.have = 0;
      answer(connection, now);
    }
  }
  if (connection.link && !connection.failed) receive(connection, true, now);
}

void Links::answer(Connection& connection, Instant now) {
  const NodeId before = connection.handshake.peer();
  const bool taken = before.value < peers_.size() && peers_[before.value].connection != nullptr;
  const auto outcome = connection.handshake.on(connection.incoming, taken);
  if (outcome.reply) {
    const ssize_t sent = ::send(connection.fd.get(), &*outcome.reply, sizeof(Block), MSG_NOSIGNAL);
    if (sent != sizeof(Block) && !outcome.failed) {
      return fail(connection, "it does not read", true);
    }
  }
  if (outcome.failed) {
    connection.refused = !outcome.retry;
    return fail(connection, outcome.why, outcome.retry);
  }
  if (outcome.done) commit(connection, now);
}

void Links::commit(Connection& connection, Instant now) {
  const NodeId node = connection.handshake.peer();
  Peer& peer = peers_[node.value];
  if (!connection.handshake.dialled()) --strangers_;
  if (peer.attempt && peer.attempt != &connection) fail(*peer.attempt, "", true);
  // The lower rank has dropped the old connection; its end is only not yet seen here.
  if (Connection* old = peer.connection) {
    fail(*old, "it connected anew", true);
    settle(now);
  }
  std::unique_ptr<TlsSession> tls;
  if (connection.handshake.opening().encrypted) {
    tls = std::make_unique<TlsSession>(tls_, connection.handshake.dialled(),
                                       connection.handshake.session_key());
  }
  connection.link = std::make_unique<Link>(connection.fd.get(), options_.identity.self, node,
                                           options_.max_frame_bytes, pool_, std::move(tls));
  peer.connection = &connection;
  if (connection.link->ready()) return up(connection, now);
  flush(connection);
}

void Links::up(Connection& connection, Instant) {
  const NodeId node = connection.handshake.peer();
  Peer& peer = peers_[node.value];
  if (peer.grace) lost(node, peer.grace_why);
  peer.up = true;
  peer.dialling = false;
  backlog_ -= peer.waiting_bytes;
  peer.waiting_bytes = 0;
  for (auto& message : std::exchange(peer.waiting, {})) {
    send(node, message.kind, message.epoch, std::move(message.body));
  }
  sink_.peer_up(node, peer.lost_before);
}

void Links::send(NodeId to, Kind kind, Epoch epoch, Bytes body) {
  HEMIOLA_CHECK(to.value < peers_.size());
  if (body.size() > options_.max_frame_bytes) {
    throw UserError(
        "a message of " + std::to_string(body.size()) + " bytes to " + node_text(to) +
        " is larger than max_frame_bytes = " + std::to_string(options_.max_frame_bytes));
  }
  Peer& peer = peers_[to.value];
  if (!peer.up) {
    const bool hope = (peer.dialling || peer.connection) && !leaving_;
    if (!hope || peer.waiting_bytes + body.size() > options_.high_water_bytes) {
      return sink_.say(Level::debug, "dropped a message to " + node_text(to) + ": no link");
    }
    peer.waiting_bytes += body.size() + kHeaderBytes;
    backlog_ += body.size() + kHeaderBytes;
    peer.waiting.push_back({kind, epoch, std::move(body)});
    return;
  }
  Connection& connection = *peer.connection;
  if (connection.failed) return;
  connection.link->add(kind, epoch, body);
  stats_.bytes_sent += kHeaderBytes + body.size();
  ++stats_.messages_sent;
  account(connection);
  if (!connection.dirty) {
    connection.dirty = true;
    dirty_.push_back(&connection);
  }
  if (connection.counted >= SendQueue::kChunkBytes && !connection.link->blocked()) {
    flush(connection);
  }
}

void Links::account(Connection& connection) {
  const size_t now = connection.link->backlog();
  backlog_ += now - connection.counted;
  connection.counted = now;
}

void Links::flush(Connection& connection) {
  if (connection.failed) return;
  Link& link = *connection.link;
  link.flush();
  account(connection);
  if (link.blocked() != connection.wants_out) {
    connection.wants_out = link.blocked();
    const uint32_t out = connection.wants_out ? EPOLLOUT : 0u;
    poller_.change(connection.fd.get(), connection.token, kEvents | out);
  }
  if (!link.broken().empty()) return fail(connection, link.broken(), false);
  if (leaving_ && link.backlog() == 0 && !link.blocked() && !connection.ending) {
    connection.ending = true;
    link.end_sending();
  }
}

void Links::flush() {
  for (size_t i = 0; i < dirty_.size(); ++i) {
    dirty_[i]->dirty = false;
    if (!dirty_[i]->link->blocked()) flush(*dirty_[i]);
  }
  dirty_.clear();
}

void Links::ready(uint64_t token, uint32_t events, Instant now) {
  if (token == kListener) return accept_all(now);
  const auto found = connections_.find(token);
  if (found == connections_.end() || found->second->failed) return;
  Connection& connection = *found->second;
  if (connection.connecting) {
    if (events & (EPOLLOUT | kEnd)) connected(connection);
    return;
  }
  if (!connection.link) return greet(connection, now);
  if (events & EPOLLOUT) flush(connection);
  if (events & (EPOLLIN | kEnd)) receive(connection, (events & kEnd) != 0, now);
}

void Links::receive(Connection& connection, bool to_the_end, Instant now) {
  if (connection.failed) return;
  Link& link = *connection.link;
  const bool was_ready = link.ready();
  const auto sink = [this, &connection, now](Envelope&& envelope) {
    if (!peers_[envelope.from.value].up) up(connection, now);
    arrived(connection, std::move(envelope));
  };
  const bool more = link.receive(to_the_end, sink);
  if (connection.failed) return;
  if (!was_ready && link.ready() && !peers_[connection.handshake.peer().value].up) {
    up(connection, now);
    flush(connection);
  } else if (!was_ready) {
    flush(connection);
  }
  if (!link.broken().empty()) return fail(connection, link.broken(), false);
  if (more && !connection.reading) {
    connection.reading = true;
    reading_.push_back(&connection);
  }
}

void Links::arrived(Connection& connection, Envelope&& envelope) {
  stats_.bytes_received += kHeaderBytes + envelope.body.size();
  ++stats_.messages_received;
  if (machine_of(envelope.kind) != MachineId::link) return sink_.message(std::move(envelope));
  if (envelope.kind != kGoodbye) return;
  const size_t size = std::min(envelope.body.size(), kReasonBytes);
  connection.goodbye.assign(reinterpret_cast<const char*>(envelope.body.data()), size);
}

void Links::read_on(Instant now) {
  for (Connection* connection : std::exchange(reading_, {})) {
    connection->reading = false;
    receive(*connection, true, now);
  }
}

void Links::fail(Connection& connection, std::string why, bool retry) {
  if (connection.failed) return;
  connection.failed = true;
  connection.why = std::move(why);
  connection.retry = retry;
  broken_.push_back(&connection);
}

bool Links::settle(Instant now) {
  const bool any = !broken_.empty();
  while (!broken_.empty()) {
    Connection& connection = *broken_.back();
    broken_.pop_back();
    bury(connection, now);
  }
  return any;
}

void Links::bury(Connection& connection, Instant now) {
  const auto found = connections_.find(connection.token);
  const std::unique_ptr<Connection> grave = std::move(found->second);
  connections_.erase(found);
  std::erase(dirty_, &connection);
  std::erase(reading_, &connection);
  connection.fd.reset();
  backlog_ -= connection.counted;
  const NodeId node = connection.handshake.peer();
  if (!connection.link && !connection.handshake.dialled()) {
    --strangers_;
    return stranger_failed(connection);
  }
  Peer& peer = peers_[node.value];
  if (peer.attempt == &connection) peer.attempt = nullptr;
  if (peer.connection == &connection) peer.connection = nullptr;
  if (connection.link && peer.up && !peer.connection) {
    peer.up = false;
    peer.lost_before = true;
    if (connection.goodbye.empty()) return lost(node, node_text(node) + ": " + connection.why);
    // Its own job is over; ours will be told so, or there is something wrong.
    peer.grace = now + kGrace;
    peer.grace_why = node_text(node) + " left: " + connection.goodbye;
    return want_tick(*peer.grace);
  }
  if (peer.up || !peer.dialling) return;
  if (connection.retry) return retry_dial(node, connection.why, now);
  end_dial(node, connection.why, connection.refused);
}

void Links::stranger_failed(const Connection& connection) {
  constexpr uint64_t kAll = 20;  // then only each thousandth: a scan must not fill the log
  if (++strangers_refused_ > kAll && strangers_refused_ % 1000 != 0) return;
  sink_.say(Level::warning,
            "refused a connection from " + connection.where + ": " + connection.why);
}

void Links::lost(NodeId node, std::string why, bool final) {
  Peer& peer = peers_[node.value];
  peer.grace.reset();
  backlog_ -= peer.waiting_bytes;
  peer.waiting_bytes = 0;
  peer.waiting.clear();
  sink_.peer_lost(node, std::move(why), final);
}

void Links::tick(Instant now) {
  next_tick_ = kNever;
  if (leaving_) return;
  accept_all(now);
  for (auto& [token, connection] : connections_) {
    const NodeId node = connection->handshake.peer();
    if (connection->failed || (connection->link && peers_[node.value].up)) continue;
    if (connection->deadline <= now) {
      fail(*connection, "no answer within " + std::to_string(options_.hello_ms) + " ms", true);
    } else {
      want_tick(connection->deadline);
    }
  }
  for (uint32_t i = 0; i < peers_.size(); ++i) {
    Peer& peer = peers_[i];
    const NodeId node{i};
    if (peer.grace && *peer.grace <= now) lost(node, peer.grace_why);
    if (peer.grace) want_tick(*peer.grace);
    if (!peer.dialling || peer.connection) continue;
    if (peer.deadline <= now) {
      if (peer.attempt) fail(*peer.attempt, peer.last_why, false);
      end_dial(node,
               "gave up after " + std::to_string(options_.join_ms) + " ms (" + peer.last_why + ")");
    } else if (!peer.attempt) {
      if (peer.next_try <= now) attempt(node, now);
      want_tick(peer.dialling && !peer.attempt ? peer.next_try : peer.deadline);
    } else {
      want_tick(peer.deadline);
    }
  }
}

void Links::leave(const std::string& reason) {
  leaving_ = true;
  listener_.close();
  for (auto& [token, connection] : connections_) {
    const NodeId node = connection->handshake.peer();
    if (connection->link && peers_[node.value].up) {
      connection->link->add(kGoodbye, Epoch{0}, Bytes::copy_of(reason.substr(0, kReasonBytes)));
      flush(*connection);
    } else {
      fail(*connection, "this node leaves", false);
    }
  }
}

}  // namespace hemiola::net

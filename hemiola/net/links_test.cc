#include "hemiola/net/links.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"
#include "hemiola/net/node.h"
#include "hemiola/net/toy.h"

namespace hemiola::net {
namespace {

using namespace std::chrono_literals;

// Records what its node is told; dials node 1 if it has an address.
struct Diary {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> lines;

  void write(std::string line) {
    const std::lock_guard lock(mutex);
    lines.push_back(std::move(line));
    changed.notify_all();
  }

  // The first line with `part`, within 10 s.
  std::string await(const std::string& part) {
    std::string found;
    std::unique_lock lock(mutex);
    changed.wait_for(lock, 10s, [&] {
      for (const auto& line : lines) {
        if (line.find(part) != std::string::npos) found = line;
      }
      return !found.empty();
    });
    return found;
  }
};

struct Recorder : Machine {
  Recorder(Diary& d, std::string a) : diary(d), address(std::move(a)) {}

  void on(Event& event, Instant, Outbox& out) override {
    if (std::holds_alternative<TimerFired>(event) && !address.empty()) {
      out.dial(NodeId{1}, address);
    } else if (auto* up = std::get_if<PeerUp>(&event)) {
      diary.write(std::string("up ") + (up->again ? "again" : "first"));
    } else if (auto* lost = std::get_if<PeerLost>(&event)) {
      diary.write("lost " + lost->why);
    } else if (auto* arrived = std::get_if<MessageArrived>(&event)) {
      diary.write("message of " + std::to_string(arrived->envelope.body.size()));
    }
  }

  Diary& diary;
  std::string address;
};

// Node 0 of two, alone in this process.
class Lonely {
 public:
  using Adjust = std::function<void(NodeOptions&)>;

  explicit Lonely(Over over = Over::unix_sockets, const Adjust& adjust = {},
                  const std::string& peer = "") {
    auto listener = Listener::open(toy_address(over, "lonely"));
    address = listener.address();
    NodeOptions options{.self = NodeId{0}, .nodes = 2, .job = "toy", .secret = "shared"};
    options.hello_ms = 300;
    options.join_ms = 400;
    options.flush_ms = 100;
    options.max_frame_bytes = 1 << 20;
    options.log = [this](Level, std::string_view text) { diary.write("log " + std::string(text)); };
    if (adjust) adjust(options);
    auto core = std::make_unique<NodeCore>(NodeId{0});
    core->add(MachineId::cluster, std::make_unique<Recorder>(diary, peer));
    node =
        std::make_unique<Node>(options, std::move(listener), std::move(core), [](WorkerPort&) {});
    thread_ = std::thread([this] { node->run(); });
  }

  ~Lonely() {
    node->stop("test over");
    thread_.join();
  }

  Diary diary;
  std::string address;
  std::unique_ptr<Node> node;

 private:
  std::thread thread_;
};

// The other side of a connection by hand, blocking.
class FakePeer {
 public:
  explicit FakePeer(const std::string& address) {
    const SocketAddress to = resolve(Address::parse(address))[0];
    fd_ = Fd(::socket(to.storage.ss_family, SOCK_STREAM, 0));
    EXPECT_EQ(::connect(fd_.get(), to.get(), to.size), 0);
  }

  bool send(const void* data, size_t size) {
    return ::send(fd_.get(), data, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
  }
  bool send(const std::string& text) { return send(text.data(), text.size()); }

  std::optional<Block> read_block() {
    Block block;
    const ssize_t got = ::recv(fd_.get(), &block, sizeof(block), MSG_WAITALL);
    if (got != sizeof(block)) return std::nullopt;
    return block;
  }

  // Introduces itself as node 1; true: the node believes it.
  bool introduce(const Identity& identity) {
    auto handshake = Handshake::dial(identity, NodeId{0}, false, random_nonce());
    std::optional<Block> block = handshake.opening();
    for (;;) {
      if (block && !send(&*block, sizeof(Block))) return false;
      const auto answer = read_block();
      if (!answer) return false;
      const auto outcome = handshake.on(*answer, false);
      why = outcome.why;
      if (outcome.failed || outcome.done) return outcome.done;
      block = outcome.reply;
    }
  }

  size_t read(char* into, size_t size) {
    const ssize_t got = ::recv(fd_.get(), into, size, 0);
    return got > 0 ? static_cast<size_t>(got) : size;
  }

  // The other side has closed, within 5 s.
  bool closed() {
    pollfd poll{fd_.get(), POLLIN | POLLRDHUP, 0};
    char byte;
    while (::poll(&poll, 1, 5000) > 0) {
      if (::recv(fd_.get(), &byte, 1, 0) <= 0) return true;
    }
    return false;
  }

  std::string why;

 private:
  Fd fd_;
};

Identity node_1() { return {NodeId{1}, 2, "toy", "shared"}; }

std::string frame(const std::string& body, NodeId from = NodeId{1}) {
  const auto header =
      encode_header(Kind::heartbeat, from, Epoch{0}, std::as_bytes(std::span(body)));
  return std::string(reinterpret_cast<const char*>(header.data()), header.size()) + body;
}

size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

TEST(Links, A_peer_by_hand_is_believed_and_its_messages_arrive) {
  Lonely lonely;
  FakePeer peer(lonely.address);
  ASSERT_TRUE(peer.introduce(node_1())) << peer.why;
  EXPECT_EQ(lonely.diary.await("up"), "up first");
  peer.send(frame("abc"));
  EXPECT_EQ(lonely.diary.await("message"), "message of 3");
}

TEST(Links, A_peer_that_comes_back_is_up_again) {
  Lonely lonely;
  {
    FakePeer peer(lonely.address);
    ASSERT_TRUE(peer.introduce(node_1()));
  }
  EXPECT_NE(lonely.diary.await("lost").find("node 1: it closed the connection"), std::string::npos);
  FakePeer peer(lonely.address);
  ASSERT_TRUE(peer.introduce(node_1()));
  EXPECT_EQ(lonely.diary.await("up again"), "up again");
}

TEST(Links, The_end_of_a_peer_is_seen_within_100_ms) {
  for (const Over over : {Over::unix_sockets, Over::tcp}) {
    Lonely lonely(over);
    auto peer = std::make_unique<FakePeer>(lonely.address);
    ASSERT_TRUE(peer->introduce(node_1()));
    peer->send(frame("last words"));
    const auto start = std::chrono::steady_clock::now();
    peer.reset();
    EXPECT_NE(lonely.diary.await("lost"), "");
    EXPECT_LT(std::chrono::steady_clock::now() - start, 100ms);
    EXPECT_EQ(lonely.diary.await("message"), "message of 10");
  }
}

TEST(Links, What_an_authenticated_peer_may_not_send_closes_the_link_with_a_sentence) {
  std::string damaged = frame("body");
  damaged.back() = 'x';
  const std::pair<std::string, const char*> cases[] = {
      {std::string(1000, 'G'), "no frame"},
      {frame("x", NodeId{0}), "in the name of node 0"},
      {frame(std::string((1 << 20) + 1, 'x')).substr(0, kHeaderBytes),
       "a frame of 1048577 bytes, allowed are 1048576"},
      {damaged, "checksum"}};
  for (const auto& [bytes, sentence] : cases) {
    Lonely lonely;
    FakePeer peer(lonely.address);
    ASSERT_TRUE(peer.introduce(node_1()));
    peer.send(bytes);
    EXPECT_NE(lonely.diary.await("lost").find(sentence), std::string::npos) << sentence;
    EXPECT_TRUE(peer.closed());
  }
}

TEST(Links, A_stranger_is_refused_with_a_sentence_on_both_sides) {
  Lonely lonely;
  const std::string own = std::to_string(kWireVersion);
  const auto refused = [&](Identity identity, const std::string& mine, const std::string& theirs) {
    FakePeer peer(lonely.address);
    EXPECT_FALSE(peer.introduce(identity));
    EXPECT_NE(peer.why.find(theirs), std::string::npos) << peer.why;
    EXPECT_NE(lonely.diary.await(mine), "") << mine;
    EXPECT_TRUE(peer.closed());
  };
  Identity other = node_1();
  other.version = 9;
  refused(other, "speaks wire version 9, this node speaks " + own, "speaks wire version " + own);
  other = node_1();
  other.job = "another";
  refused(other, "another job", "another job");
  other = node_1();
  other.secret = "guess";
  refused(other, "different secrets", "different secrets");
  EXPECT_EQ(lonely.node->stats().messages_received, 0u);
}

TEST(Links, Garbage_on_the_port_costs_neither_memory_nor_the_peer) {
  Lonely lonely(Over::tcp);
  FakePeer peer(lonely.address);
  ASSERT_TRUE(peer.introduce(node_1()));
  Random random(3);
  const size_t before = resident_bytes();
  for (int i = 0; i < 1000; ++i) {
    FakePeer stranger(lonely.address);
    std::string noise(random.below(3000), ' ');
    for (char& c : noise) c = static_cast<char>(random());
    if (random.chance(0.3)) {  // a good beginning
      const Block hello = Handshake::dial(node_1(), NodeId{0}, false, random_nonce()).opening();
      std::memcpy(noise.data(), &hello, std::min(noise.size(), sizeof(hello)));
    }
    stranger.send(noise);
  }
  peer.send(frame("still here"));
  EXPECT_EQ(lonely.diary.await("message"), "message of 10");
  EXPECT_LT(resident_bytes(), before + (16 << 20));
}

TEST(Links, Silent_strangers_are_few_and_do_not_stay) {
  Lonely lonely(Over::unix_sockets, [](NodeOptions& o) { o.max_strangers = 8; });
  std::vector<FakePeer> strangers;
  for (int i = 0; i < 20; ++i) strangers.emplace_back(lonely.address);
  EXPECT_TRUE(strangers.back().closed());   // at once: too many
  EXPECT_TRUE(strangers.front().closed());  // after hello_ms
  EXPECT_NE(lonely.diary.await("no answer within 300 ms"), "");
  FakePeer peer(lonely.address);
  EXPECT_TRUE(peer.introduce(node_1()));
}

TEST(Links, A_peer_that_is_not_there_is_lost_after_the_join_time_with_the_reason) {
  Lonely lonely(Over::unix_sockets, {}, "unix:/tmp/hemiola-nobody");
  const std::string why = lonely.diary.await("lost");
  EXPECT_NE(why.find("node 1 at unix:/tmp/hemiola-nobody"), std::string::npos) << why;
  EXPECT_NE(why.find("gave up after 400 ms (No such file or directory)"), std::string::npos);
}

TEST(Links, A_dialler_with_a_wrong_version_or_secret_is_told_at_once_and_does_not_try_again) {
  for (const bool version : {true, false}) {
    // Node 1 listens; node 0 dials it with something wrong.
    auto listener = Listener::open(toy_address(Over::unix_sockets, "other"));
    const std::string address = listener.address();
    Diary diary;
    auto core = std::make_unique<NodeCore>(NodeId{1});
    core->add(MachineId::cluster, std::make_unique<Recorder>(diary, ""));
    NodeOptions options{.self = NodeId{1}, .nodes = 2, .job = "toy", .secret = "shared"};
    options.log = [&](Level, std::string_view text) { diary.write(std::string(text)); };
    Node other(options, std::move(listener), std::move(core), [](WorkerPort&) {});
    std::thread thread([&] { other.run(); });
    {
      const auto start = std::chrono::steady_clock::now();
      Lonely lonely(
          Over::unix_sockets,
          [&](NodeOptions& o) {
            o.join_ms = 60'000;
            version ? o.wire_version = 77 : (o.secret = "wrong", 0);
          },
          address);
      const std::string why = lonely.diary.await("lost");
      const std::string part =
          version ? "speaks wire version " + std::to_string(kWireVersion) + ", this node speaks 77"
                  : "different secrets";
      EXPECT_NE(why.find(part), std::string::npos) << why;
      EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
    }
    EXPECT_NE(diary.await(version ? "speaks wire version 77" : "different secrets"), "");
    other.stop("test over");
    thread.join();
  }
}

// A machine that floods node 1 with what its worker asks for, and completes at once.
struct Flood : ToyCluster {
  using ToyCluster::ToyCluster;
  void on(Event& event, Instant now, Outbox& out) override {
    if (std::holds_alternative<PeerUp>(event)) {
      out.tell(ViewChanged{{Epoch{1}, {{NodeId{0}, "", 1, WorkerId{0}}}}});
      out.tell(JobStarted{});
    } else if (auto* posted = std::get_if<CallPosted>(&event)) {
      out.send(NodeId{1}, Kind::update, std::move(MutableBytes(100'000)).freeze());
      out.complete(*posted->call);
    } else if (std::holds_alternative<PeerLost>(event)) {
      ToyCluster::on(event, now, out);
    }
  }
};

TEST(Links, A_peer_that_never_reads_stops_the_workers_and_not_the_memory) {
  auto listener = Listener::open(toy_address(Over::unix_sockets, "flood"));
  const std::string address = listener.address();
  auto core = std::make_unique<NodeCore>(NodeId{0});
  core->add(MachineId::cluster, std::make_unique<Flood>(NodeId{0}, Toy{{"", ""}, 1}));
  std::atomic<int> calls{0};
  NodeOptions options{.self = NodeId{0}, .nodes = 2, .job = "toy", .secret = "shared"};
  options.high_water_bytes = 4 << 20;
  options.flush_ms = 100;
  Node node(options, std::move(listener), std::move(core), [&](WorkerPort& port) {
    for (;; ++calls) {
      ToyCluster::Finish call;
      port.call(call);
    }
  });
  JobOver end;
  std::thread thread([&] { end = node.run(); });
  {
    FakePeer peer(address);
    ASSERT_TRUE(peer.introduce(node_1()));
    std::this_thread::sleep_for(300ms);
    const int stuck = calls;
    EXPECT_GT(stuck, 30);
    std::this_thread::sleep_for(200ms);
    EXPECT_EQ(calls, stuck);
    EXPECT_LE(node.stats().backlog_bytes, options.high_water_bytes + 200'000);
    std::vector<char> sink(8 << 20);  // reads some: the workers go on
    for (size_t have = 0; have < sink.size();) have += peer.read(sink.data(), sink.size() - have);
    std::this_thread::sleep_for(100ms);
    EXPECT_GT(calls, stuck);
  }
  thread.join();
  EXPECT_NE(end.reason.find("node 1: "), std::string::npos) << end.reason;
}

}  // namespace
}  // namespace hemiola::net

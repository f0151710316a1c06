// How two nodes make sure of each other before a connection may cost memory.
//
//   dialler                      acceptor
//   hello, nonce d    ------->
//                     <-------   hello, nonce a
//   proof d           ------->                     proof: HMAC-SHA256 with the job's secret over
//                     <-------   proof a           both hellos and the role of the one who proves
//   commit            ------->                     only when the dialler has the lower rank
//
// Either side may answer `refuse` with a reason instead, and closes. Each step is one block of
// 64 bytes. Of two nodes the one with the lower rank decides which connection is theirs, so two
// nodes that dial each other at the same moment keep exactly one.
// Pure: bytes in, bytes out; the nonce is given.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "hemiola/core/message.h"

namespace hemiola::net {

enum class Refusal : uint8_t { none, version, job, nodes, secret, rank, encryption, busy };

// Packed, little-endian; magic, version and step stay where they are in all versions to come.
struct Block {
  enum class Step : uint8_t { hello = 1, proof = 2, commit = 3, refuse = 4 };

  std::array<char, 8> magic{'H', 'E', 'M', 'I', 'O', 'L', 'A', '\n'};
  uint16_t version = kWireVersion;
  Step step = Step::hello;
  Refusal refusal = Refusal::none;
  uint32_t from = 0;
  uint32_t to = 0;
  uint32_t nodes = 0;
  uint32_t encrypted = 0;
  uint32_t job = 0;                // digest of the job's name
  std::array<uint8_t, 32> data{};  // hello: nonce; proof: the proof; refuse, commit: zeros
};
static_assert(sizeof(Block) == 64);

using Nonce = std::array<uint8_t, 32>;
Nonce random_nonce();

// Who a node claims to be, the same for all of its connections.
struct Identity {
  NodeId self;
  uint32_t nodes = 1;
  std::string job;
  std::string secret;
  uint16_t version = kWireVersion;
};

class Handshake {
 public:
  // `peer`: whom to reach. `encrypted`: this side wants TLS afterwards.
  static Handshake dial(const Identity& identity, NodeId peer, bool encrypted, Nonce nonce);
  static Handshake accept(const Identity& identity, bool encrypted, Nonce nonce);

  // What the dialler sends first.
  Block opening() const { return mine_; }

  struct Outcome {
    bool done = false;           // both sides are sure of each other
    std::optional<Block> reply;  // to be sent, also when failed
    bool failed = false;         // close, after the reply is sent
    bool retry = false;          // failed, but another try may go well
    std::string why;             // failed: one sentence that begins with what the peer did
  };

  // `taken`: there is a connection to peer() already; only looked at by the lower rank.
  Outcome on(const Block& block, bool taken);

  bool dialled() const { return dialled_; }
  // The rank of the other side; of an acceptor: nobody's (UINT32_MAX) before its hello.
  NodeId peer() const { return peer_; }
  // The key that only these two nodes know, for this connection. REQUIRES: done.
  std::array<uint8_t, 32> session_key() const;

 private:
  Handshake(const Identity& identity, NodeId peer, bool dialled, bool encrypted, Nonce nonce);

  Outcome on_hello(const Block& block);
  Outcome on_proof(const Block& block, bool taken);
  Outcome refuse(Refusal refusal, const Block& theirs) const;
  Refusal judge(const Block& hello) const;
  std::string sentence(Refusal refusal, const Block& theirs, bool by_them) const;
  std::array<uint8_t, 32> seal(const char* purpose) const;
  Block block(Block::Step step) const;
  bool i_decide() const { return identity_->self < peer_; }

  const Identity* identity_;
  NodeId peer_;
  bool dialled_;
  Block::Step expected_ = Block::Step::hello;
  Block mine_;
  Block theirs_;
};

}  // namespace hemiola::net

#include "hemiola/net/handshake.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <cstring>
#include <limits>

#include "hemiola/core/check.h"

namespace hemiola::net {
namespace {

constexpr NodeId kNobody{std::numeric_limits<uint32_t>::max()};

uint32_t digest_of(const std::string& job) {
  std::array<uint8_t, 32> digest{};
  unsigned int size = digest.size();
  HEMIOLA_CHECK(EVP_Digest(job.data(), job.size(), digest.data(), &size, EVP_sha256(), nullptr));
  uint32_t first;
  std::memcpy(&first, digest.data(), sizeof(first));
  return first;
}

std::string name(uint32_t node) { return "node " + std::to_string(node); }

}  // namespace

Nonce random_nonce() {
  Nonce nonce;
  HEMIOLA_CHECK(RAND_bytes(nonce.data(), static_cast<int>(nonce.size())) == 1);
  return nonce;
}

Handshake::Handshake(const Identity& identity, NodeId peer, bool dialled, bool encrypted,
                     Nonce nonce)
    : identity_(&identity), peer_(peer), dialled_(dialled) {
  mine_.version = identity.version;
  mine_.from = identity.self.value;
  mine_.to = peer.value;
  mine_.nodes = identity.nodes;
  mine_.encrypted = encrypted;
  mine_.job = digest_of(identity.job);
  mine_.data = nonce;
}

Handshake Handshake::dial(const Identity& identity, NodeId peer, bool encrypted, Nonce nonce) {
  return Handshake(identity, peer, true, encrypted, nonce);
}

Handshake Handshake::accept(const Identity& identity, bool encrypted, Nonce nonce) {
  return Handshake(identity, kNobody, false, encrypted, nonce);
}

Block Handshake::block(Block::Step step) const {
  Block block = mine_;
  block.step = step;
  block.data = {};
  return block;
}

std::array<uint8_t, 32> Handshake::seal(const char* purpose) const {
  std::string text = purpose;
  text += '\n' + identity_->job + '\n';
  const Block& first = dialled_ ? mine_ : theirs_;
  const Block& second = dialled_ ? theirs_ : mine_;
  text.append(reinterpret_cast<const char*>(&first), sizeof(Block));
  text.append(reinterpret_cast<const char*>(&second), sizeof(Block));
  std::array<uint8_t, 32> code{};
  unsigned int size = code.size();
  const auto& secret = identity_->secret;
  HEMIOLA_CHECK(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
                     reinterpret_cast<const uint8_t*>(text.data()), text.size(), code.data(),
                     &size) != nullptr);
  return code;
}

std::array<uint8_t, 32> Handshake::session_key() const { return seal("hemiola session"); }

Refusal Handshake::judge(const Block& hello) const {
  if (hello.version != mine_.version) return Refusal::version;
  if (hello.job != mine_.job) return Refusal::job;
  if (hello.nodes != mine_.nodes) return Refusal::nodes;
  if (hello.to != mine_.from || hello.from >= mine_.nodes || hello.from == mine_.from) {
    return Refusal::rank;
  }
  if (dialled_ && hello.from != peer_.value) return Refusal::rank;
  if (hello.encrypted != mine_.encrypted) return Refusal::encryption;
  return Refusal::none;
}

std::string Handshake::sentence(Refusal refusal, const Block& theirs, bool by_them) const {
  const std::string who = name(theirs.from);
  const std::string start = by_them ? who + " refused this node: " : "refused " + who + ": ";
  switch (refusal) {
    case Refusal::version:
      return start + "it speaks wire version " + std::to_string(theirs.version) +
             ", this node speaks " + std::to_string(mine_.version) +
             "; run the same version of hemiola on every node";
    case Refusal::job:
      return start + "it runs another job; give every job its own address";
    case Refusal::nodes:
      return start + "it counts " + std::to_string(theirs.nodes) + " nodes in the job, this node " +
             std::to_string(mine_.nodes);
    case Refusal::secret:
      return start + "the two have different secrets; give every node the job's secret";
    case Refusal::rank:
      return start + "it is or looks for another rank (it is " + std::to_string(theirs.from) +
             " and talks to " + std::to_string(theirs.to) + ", this node is " +
             std::to_string(mine_.from) + ")";
    case Refusal::encryption:
      return start + "only one of the two wants encryption; set it alike on every node";
    case Refusal::busy:
      return start + "the two are connected already";
    case Refusal::none:
      break;
  }
  return start + "no reason given";
}

Handshake::Outcome Handshake::refuse(Refusal refusal, const Block& theirs) const {
  Outcome outcome;
  outcome.failed = true;
  outcome.retry = refusal == Refusal::busy;
  outcome.why = sentence(refusal, theirs, false);
  outcome.reply = block(Block::Step::refuse);
  outcome.reply->refusal = refusal;
  outcome.reply->to = theirs.from;
  return outcome;
}

Handshake::Outcome Handshake::on(const Block& block, bool taken) {
  Outcome outcome;
  if (block.magic != Block{}.magic) {
    outcome.failed = true;
    outcome.why = "the other side is not a node of hemiola";
    return outcome;
  }
  if (block.step == Block::Step::refuse) {
    outcome.failed = true;
    outcome.retry = block.refusal == Refusal::busy;
    outcome.why = sentence(block.refusal, block, true);
    return outcome;
  }
  if (block.version != mine_.version) return refuse(Refusal::version, block);
  if (block.step != expected_) {
    outcome.failed = true;
    outcome.why = "the other side does not keep to the protocol";
    return outcome;
  }
  if (block.step == Block::Step::hello) return on_hello(block);
  if (block.step == Block::Step::proof) return on_proof(block, taken);
  outcome.done = true;
  return outcome;
}

Handshake::Outcome Handshake::on_hello(const Block& hello) {
  if (const Refusal refusal = judge(hello); refusal != Refusal::none) {
    return refuse(refusal, hello);
  }
  theirs_ = hello;
  expected_ = Block::Step::proof;
  Outcome outcome;
  if (dialled_) {
    outcome.reply = block(Block::Step::proof);
    outcome.reply->data = seal("hemiola dialler");
  } else {
    peer_ = NodeId{hello.from};
    mine_.to = hello.from;
    outcome.reply = mine_;
  }
  return outcome;
}

Handshake::Outcome Handshake::on_proof(const Block& proof, bool taken) {
  const auto right = seal(dialled_ ? "hemiola acceptor" : "hemiola dialler");
  if (CRYPTO_memcmp(right.data(), proof.data.data(), right.size()) != 0) {
    return refuse(Refusal::secret, theirs_);
  }
  if (i_decide() && taken) return refuse(Refusal::busy, theirs_);
  Outcome outcome;
  outcome.done = dialled_ || i_decide();
  expected_ = Block::Step::commit;
  if (!dialled_) {
    outcome.reply = block(Block::Step::proof);
    outcome.reply->data = seal("hemiola acceptor");
  } else if (i_decide()) {
    outcome.reply = block(Block::Step::commit);
  }
  return outcome;
}

}  // namespace hemiola::net

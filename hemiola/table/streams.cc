#include "hemiola/table/streams.h"

namespace hemiola {

uint32_t Streams::send(NodeId to, Kind kind, Writer&& writer, Outbox& out) {
  Peer& peer = peers_[to.value];
  writer.patch(0, StreamHead{++peer.sent, peer.received});
  peer.told = peer.received;
  peer.untold_bytes = 0;
  const Bytes body = std::move(writer).take();
  peer.unacked.push_back({peer.sent, kind, body, false, {}, {}, 0, {}});
  peer.unacked_bytes += body.size();
  out.send(to, kind, body);
  return peer.sent;
}

void Streams::drop_acked(Peer& peer, uint32_t through) {
  if (is_after(through, peer.acked)) peer.acked = through;
  while (!peer.unacked.empty() && !is_after(peer.unacked.front().number, peer.acked)) {
    peer.unacked_bytes -= peer.unacked.front().body.size();
    peer.unacked.pop_front();
  }
}

bool Streams::accept(const Envelope& envelope) {
  Peer& peer = peers_[envelope.from.value];
  Reader reader(envelope.body);
  const auto head = reader.get<StreamHead>();
  if (!reader.ok() || is_after(head.acked, peer.sent)) return false;
  if (envelope.kind == acked_) {
    // It speaks of the time behind messages that may have been lost and come again.
    if (head.number == peer.received) drop_acked(peer, head.acked);
    return false;
  }
  if (head.number != peer.received + 1) return false;
  peer.received = head.number;
  peer.untold_bytes += envelope.body.size();
  drop_acked(peer, head.acked);
  return true;
}

void Streams::acknowledge(NodeId to, bool now, Outbox& out) {
  Peer& peer = peers_[to.value];
  const uint32_t untold = peer.received - peer.told;
  if (untold == 0) return;
  if (!now && untold < kUntold && peer.untold_bytes < kUntoldBytes) return;
  peer.told = peer.received;
  peer.untold_bytes = 0;
  Writer writer(sizeof(StreamHead));
  writer.put(StreamHead{peer.sent, peer.received});
  out.send(to, acked_, std::move(writer).take());
}

void Streams::link_again(NodeId node, Outbox& out) {
  for (const Sent& sent : peers_[node.value].unacked) out.send(node, sent.kind, sent.body);
  peers_[node.value].told = peers_[node.value].received - 1;  // what told it may be lost
  acknowledge(node, true, out);
}

}  // namespace hemiola

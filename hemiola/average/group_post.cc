#include "hemiola/average/group_post.h"

#include <stdexcept>

namespace hemiola {

void GroupPost::stamp(GroupHead& head) {
  Peer& peer = peers_[place_.node_of(head.to).value];
  head.number = ++peer.sent;
  head.received = peer.told = peer.received;
}

void GroupPost::dispatch(Kind kind, const GroupHead& head, Bytes body) {
  const NodeId node = place_.node_of(head.to);
  if (node != place_.self) peers_[node.value].kept.push_back({head.number, kind, body});
  out_->send(node, kind, std::move(body));
}

std::optional<GroupMessage> GroupPost::take(const Envelope& message) {
  Reader reader(message.body);
  const auto head = reader.get<GroupHead>();
  const bool fits = reader.ok() && head.from.value < place_.workers() &&
                    head.to.value < place_.workers() && place_.node_of(head.to) == place_.self &&
                    place_.node_of(head.from) == message.from;
  if (!fits) throw std::runtime_error("a message between workers that cannot be");
  GroupMessage taken{message.kind, head,
                     message.body.slice(sizeof head, message.body.size() - sizeof head)};
  Peer& peer = peers_[message.from.value];
  if (head.received > peer.sent) throw std::runtime_error("an answer to what was not sent");
  while (!peer.kept.empty() && peer.kept.front().number <= head.received) peer.kept.pop_front();
  if (message.kind == Kind::received || head.number != peer.received + 1) return {};
  ++peer.received;
  if (peer.received - peer.told >= kSilence) {
    GroupHead answer{.from = head.to, .to = head.from};
    answer.received = peer.told = peer.received;
    out_->send(message.from, Kind::received, Bytes::copy_of(std::as_bytes(std::span(&answer, 1))));
  }
  return taken;
}

void GroupPost::up_again(NodeId peer) {
  for (const Sent& sent : peers_[peer.value].kept) out_->send(peer, sent.kind, sent.body);
}

}  // namespace hemiola

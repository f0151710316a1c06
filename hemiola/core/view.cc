#include "hemiola/core/view.h"

#include <utility>

#include "hemiola/core/wire.h"

namespace hemiola {
namespace {

void encode(Writer& out, const std::vector<Member>& members) {
  out.put(static_cast<uint32_t>(members.size()));
  for (const Member& m : members) {
    out.put(m.node).put(m.workers).put(m.first_worker).put(m.instance).put_text(m.address);
  }
}

Member decode_member(Reader& in) {
  Member m;
  m.node = in.get<NodeId>();
  m.workers = in.get<uint32_t>();
  m.first_worker = in.get<WorkerId>();
  m.instance = in.get<uint64_t>();
  m.address = in.get_text();
  return m;
}

}  // namespace

Bytes encode_view(const View& view) {
  Writer out(64 + 64 * view.parties());
  out.put(view.epoch);
  encode(out, view.members);
  encode(out, view.leaving);
  out.put(static_cast<uint8_t>(view.begun));
  return std::move(out).take();
}

std::optional<View> decode_view(const Bytes& body) {
  Reader in(body);
  View view;
  view.epoch = in.get<Epoch>();
  const auto count = in.get<uint32_t>();
  uint64_t workers = 0;
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    Member m = decode_member(in);
    if (view.has(m.node) || m.first_worker.value != workers) return std::nullopt;
    workers += m.workers;
    if (workers >= UINT32_MAX) return std::nullopt;
    view.members.push_back(std::move(m));
  }
  const auto leaving = in.get<uint32_t>();
  for (uint32_t i = 0; i < leaving && in.ok(); ++i) {
    Member m = decode_member(in);
    if (view.has(m.node)) return std::nullopt;
    view.leaving.push_back(std::move(m));
  }
  view.begun = in.get<uint8_t>() != 0;
  if (!in.finished()) return std::nullopt;
  return view;
}

}  // namespace hemiola

#include "hemiola/train/node_order.h"

#include "hemiola/core/check.h"
#include "hemiola/core/wire.h"
#include "hemiola/train/settings.h"

namespace hemiola {

Bytes encode(const NodeOrder& order) {
  Writer w;
  const auto values = all_values(order.job);
  w.put(static_cast<uint32_t>(values.size()));
  for (const auto& [key, text] : values) w.put_text(key).put_text(text);
  const Flags& f = order.flags;
  w.put_text(f.out).put(f.json).put(f.quiet).put(f.verbose).put(f.terminal).put(f.colour);
  w.put(f.stall_chance).put(f.stall).put(f.throwing_node).put(f.throwing_step);
  const ResumeFlags& resume = f.resume;
  w.put_text(resume.path).put(resume.epoch).put(resume.planned_workers);
  w.put(resume.number).put(resume.last);
  const NodePlace& p = order.place;
  w.put(p.self).put_text(p.listen).put_text(p.host).put_text(p.rendezvous).put_text(p.secret);
  w.put_text(p.views).put(p.comes_later).put(p.instance);
  return std::move(w).take();
}

NodeOrder decode_order(const Bytes& bytes) {
  NodeOrder order;
  Reader r(bytes);
  const auto count = r.get<uint32_t>();
  for (uint32_t i = 0; i < count && r.ok(); ++i) {
    const std::string key = r.get_text();
    const std::string text = r.get_text();
    if (r.ok()) set(order.job, key, Untyped{text}, "the launcher's order");
  }
  Flags& f = order.flags;
  f.out = r.get_text();
  f.json = r.get<bool>();
  f.quiet = r.get<bool>();
  f.verbose = r.get<bool>();
  f.terminal = r.get<bool>();
  f.colour = r.get<bool>();
  f.stall_chance = r.get<double>();
  f.stall = r.get<Duration>();
  f.throwing_node = r.get<uint32_t>();
  f.throwing_step = r.get<uint64_t>();
  f.resume.path = r.get_text();
  f.resume.epoch = r.get<uint32_t>();
  f.resume.planned_workers = r.get<uint32_t>();
  f.resume.number = r.get<uint32_t>();
  f.resume.last = r.get<uint32_t>();
  order.place.self = r.get<NodeId>();
  order.place.listen = r.get_text();
  order.place.host = r.get_text();
  order.place.rendezvous = r.get_text();
  order.place.secret = r.get_text();
  order.place.views = r.get_text();
  order.place.comes_later = r.get<bool>();
  order.place.instance = r.get<uint64_t>();
  if (!r.finished()) throw UserError("the launcher's order cannot be read");
  return order;
}

}  // namespace hemiola

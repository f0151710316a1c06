#include "hemiola/cluster/messages.h"

#include <span>

#include "hemiola/core/wire.h"

namespace hemiola {
namespace {

// The decoded message, if all of the body was read and nothing is left over.
template <class T>
std::optional<T> whole(const Reader& in, T&& message) {
  if (!in.finished()) return std::nullopt;
  return std::move(message);
}

void put(Writer& out, const std::optional<uint32_t>& number) {
  out.put(static_cast<uint8_t>(number.has_value())).put(number.value_or(0));
}

std::optional<uint32_t> get_optional(Reader& in) {
  const bool there = in.get<uint8_t>() != 0;
  const auto number = in.get<uint32_t>();
  return there ? std::optional(number) : std::nullopt;
}

}  // namespace

Bytes Join::encode() const {
  Writer out(64 + address.size() + job_summary.size());
  out.put(version).put(instance).put(rank).put(nodes).put(workers).put(job_hash);
  out.put_text(address).put_text(job_summary);
  return std::move(out).take();
}

std::optional<Join> Join::decode(const Bytes& body) {
  Reader in(body);
  Join m;
  m.version = in.get<uint16_t>();
  m.instance = in.get<uint64_t>();
  if (in.ok() && m.version != kWireVersion) return m;
  m.rank = in.get<NodeId>();
  m.nodes = in.get<uint32_t>();
  m.workers = in.get<uint32_t>();
  m.job_hash = in.get<uint64_t>();
  m.address = in.get_text();
  m.job_summary = in.get_text();
  return whole(in, std::move(m));
}

Bytes Ready::encode() const {
  Writer out;
  agenda.encode(out);
  out.put(blocks_again).put(rows);
  return std::move(out).take();
}

std::optional<Ready> Ready::decode(const Bytes& body) {
  Reader in(body);
  Ready m{Agenda::decode(in)};
  m.blocks_again = in.get<uint64_t>();
  m.rows = in.get<RowsRecovered>();
  return whole(in, std::move(m));
}

Bytes Heartbeat::encode() const {
  Writer out;
  out.put(number).put(elapsed);
  out.put_text(blocks_wait_for).put_text(reduce_waits_for).put_text(finish_waits_for);
  out.put(instance).put(static_cast<uint8_t>(winds_up));
  return std::move(out).take();
}

std::optional<Heartbeat> Heartbeat::decode(const Bytes& body) {
  Reader in(body);
  Heartbeat m;
  m.number = in.get<uint64_t>();
  m.elapsed = in.get<Duration>();
  m.blocks_wait_for = in.get_text();
  m.reduce_waits_for = in.get_text();
  m.finish_waits_for = in.get_text();
  m.instance = in.get<uint64_t>();
  m.winds_up = in.get<uint8_t>() != 0;
  return whole(in, std::move(m));
}

Bytes Failed::encode() const {
  Writer out;
  out.put(what).put(subject).put_text(text);
  return std::move(out).take();
}

std::optional<Failed> Failed::decode(const Bytes& body) {
  Reader in(body);
  Failed m;
  const auto what = in.get<uint8_t>();
  if (what > static_cast<uint8_t>(What::alone)) return std::nullopt;
  m.what = static_cast<What>(what);
  m.subject = in.get<uint32_t>();
  m.text = in.get_text();
  return whole(in, std::move(m));
}

Bytes Finished::encode() const {
  Writer out;
  out.put(worker);
  return std::move(out).take();
}

std::optional<Finished> Finished::decode(const Bytes& body) {
  Reader in(body);
  Finished m{in.get<WorkerId>()};
  return whole(in, std::move(m));
}

Bytes End::encode() const {
  Writer out;
  out.put(static_cast<uint8_t>(ok)).put(instance).put_text(reason).put(static_cast<uint8_t>(early));
  return std::move(out).take();
}

std::optional<End> End::decode(const Bytes& body) {
  Reader in(body);
  End m;
  m.ok = in.get<uint8_t>() != 0;
  m.instance = in.get<uint64_t>();
  m.reason = in.get_text();
  m.early = in.get<uint8_t>() != 0;
  return whole(in, std::move(m));
}

Bytes BlocksDone::encode() const {
  Writer out;
  out.put(pass);
  hemiola::encode(out, blocks);
  return std::move(out).take();
}

std::optional<BlocksDone> BlocksDone::decode(const Bytes& body) {
  Reader in(body);
  BlocksDone m;
  m.pass = in.get<uint32_t>();
  m.blocks = decode_blocks(in);
  return whole(in, std::move(m));
}

Bytes AskLeave::encode() const {
  Writer out;
  out.put(static_cast<uint8_t>(whole_job));
  return std::move(out).take();
}

std::optional<AskLeave> AskLeave::decode(const Bytes& body) {
  Reader in(body);
  AskLeave m{in.get<uint8_t>() != 0};
  return whole(in, std::move(m));
}

Bytes WantBlock::encode() const {
  Writer out;
  out.put(worker).put(pass).put(seed).put(blocks).put(plan_hash);
  return std::move(out).take();
}

std::optional<WantBlock> WantBlock::decode(const Bytes& body) {
  Reader in(body);
  WantBlock m;
  m.worker = in.get<WorkerId>();
  m.pass = in.get<uint32_t>();
  m.seed = in.get<uint64_t>();
  m.blocks = in.get<uint32_t>();
  m.plan_hash = in.get<uint64_t>();
  return whole(in, std::move(m));
}

Bytes GiveBlock::encode() const {
  Writer out;
  out.put(worker).put(pass);
  put(out, block);
  out.put(static_cast<uint8_t>(cut));
  return std::move(out).take();
}

std::optional<GiveBlock> GiveBlock::decode(const Bytes& body) {
  Reader in(body);
  GiveBlock m;
  m.worker = in.get<WorkerId>();
  m.pass = in.get<uint32_t>();
  m.block = get_optional(in);
  m.cut = in.get<uint8_t>() != 0;
  return whole(in, std::move(m));
}

Bytes ReducePart::encode() const {
  Writer out(32 + 8 * values.size());
  out.put(worker).put(round);
  put(out, closes);
  out.put_all(std::span(values));
  out.put(static_cast<uint8_t>(cut));
  return std::move(out).take();
}

std::optional<ReducePart> ReducePart::decode(const Bytes& body) {
  Reader in(body);
  ReducePart m;
  m.worker = in.get<WorkerId>();
  m.round = in.get<uint32_t>();
  m.closes = get_optional(in);
  m.values = in.get_all<double>();
  m.cut = in.get<uint8_t>() != 0;
  return whole(in, std::move(m));
}

Bytes ReduceSum::encode() const {
  Writer out(64 + 8 * (totals.blocks.size() + totals.reduced.size()));
  out.put(round);
  put(out, closes);
  hemiola::encode(out, totals);
  out.put(static_cast<uint8_t>(winds_up));
  return std::move(out).take();
}

std::optional<ReduceSum> ReduceSum::decode(const Bytes& body) {
  Reader in(body);
  ReduceSum m;
  m.round = in.get<uint32_t>();
  m.closes = get_optional(in);
  m.totals = decode_totals(in);
  m.winds_up = in.get<uint8_t>() != 0;
  return whole(in, std::move(m));
}

}  // namespace hemiola

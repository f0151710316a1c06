#include "hemiola/cluster/agenda.h"

#include <algorithm>
#include <span>
#include <utility>

namespace hemiola {

void Agenda::add(uint32_t pass, const BlockDone& done) {
  if (pass == this->pass()) done_.try_emplace(done.block, done.values);
}

void Agenda::merge(const Agenda& other) {
  history_.merge(other.history_);
  if (other.pass() < pass()) return;
  if (other.pass() > pass()) {
    totals_ = other.totals_;
    done_ = other.done_;
    return;
  }
  done_.insert(other.done_.begin(), other.done_.end());
}

PassTotals Agenda::close(std::vector<double> reduced, double ended) {
  PassTotals totals{{}, std::move(reduced), ended};
  for (const auto& [block, values] : done_) {
    totals.blocks.resize(std::max(totals.blocks.size(), values.size()));
    for (size_t i = 0; i < values.size(); ++i) totals.blocks[i] += values[i];
  }
  close(pass(), totals);
  return totals;
}

void Agenda::close(uint32_t pass, const PassTotals& totals) {
  if (pass != this->pass()) return;
  totals_.push_back(totals);
  done_.clear();
}

void Agenda::encode(Writer& out) const {
  out.put(pass());
  for (const PassTotals& totals : totals_) hemiola::encode(out, totals);
  out.put(static_cast<uint32_t>(done_.size()));
  for (const auto& [block, values] : done_) out.put(block).put_all(std::span(values));
  history_.encode(out);
}

Agenda Agenda::decode(Reader& in) {
  Agenda agenda;
  const auto passes = in.get<uint32_t>();
  for (uint32_t p = 0; p < passes && in.ok(); ++p) agenda.totals_.push_back(decode_totals(in));
  for (BlockDone& done : decode_blocks(in)) {
    agenda.done_.try_emplace(done.block, std::move(done.values));
  }
  agenda.history_ = History::decode(in);
  return agenda;
}

void encode(Writer& out, const std::vector<BlockDone>& blocks) {
  out.put(static_cast<uint32_t>(blocks.size()));
  for (const BlockDone& b : blocks) out.put(b.block).put_all(std::span(b.values));
}

std::vector<BlockDone> decode_blocks(Reader& in) {
  std::vector<BlockDone> blocks;
  const auto count = in.get<uint32_t>();
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    const auto block = in.get<uint32_t>();
    blocks.push_back({block, in.get_all<double>()});
  }
  return blocks;
}

void encode(Writer& out, const PassTotals& totals) {
  out.put_all(std::span(totals.blocks)).put_all(std::span(totals.reduced)).put(totals.ended);
}

PassTotals decode_totals(Reader& in) {
  PassTotals totals;
  totals.blocks = in.get_all<double>();
  totals.reduced = in.get_all<double>();
  totals.ended = in.get<double>();
  return totals;
}

}  // namespace hemiola

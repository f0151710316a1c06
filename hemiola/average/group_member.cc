#include "hemiola/average/group_member.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

[[noreturn]] void refuse(const char* why) { throw std::runtime_error(why); }

float* floats_in(std::byte* at) { return reinterpret_cast<float*>(at); }

uint32_t index_in(const std::vector<WorkerId>& workers, WorkerId worker) {
  const auto at = std::lower_bound(workers.begin(), workers.end(), worker);
  if (at == workers.end() || *at != worker) refuse("a message of a worker that does not take part");
  return static_cast<uint32_t>(at - workers.begin());
}

bool rising(const std::vector<WorkerId>& workers) {
  return std::adjacent_find(workers.begin(), workers.end(), std::greater_equal{}) == workers.end();
}

}  // namespace

GroupMember::GroupMember(Crew& crew, GroupPost& post, WorkerId self,
                         std::shared_ptr<const GroupPlan> plan, LinkBasis* basis)
    : crew_(crew), post_(post), self_(self) {
  if (basis) codec_.emplace(*basis, self);
  plan_ = std::move(plan);
  group_ = plan_->group_of(self_);
}

GroupHead GroupMember::head_to(WorkerId to, const GroupHead& of) const {
  GroupHead head = of;
  head.from = self_;
  head.to = to;
  return head;
}

void GroupMember::say_ready(bool rests, uint32_t pass) {
  said_ = {said_.seat + 1, pass, rests};
  say();
}

void GroupMember::say() {
  GroupHead head{.from = self_, .to = controller(), .plan = plan_->number, .group = group_};
  post_.send(Kind::member_ready, head, std::as_bytes(std::span(&said_, 1)));
}

void GroupMember::enter(std::shared_ptr<const GroupPlan> plan) {
  works_.clear();  // only what cannot be may be left
  plan_ = std::move(plan);
  group_ = plan_->group_of(self_);
  mean_ = {};
  if (codec_) codec_->forget();
  if (crew_.waits(self_) || crew_.rests(self_)) say();
}

void GroupMember::on_message(const GroupMessage& message, Outbox& out) {
  const GroupHead& head = message.head;
  if (message.kind == Kind::may_rest) {
    may_rest_ = head.id;
    return;
  }
  const WorkKey key{head.work, head.group, head.id};
  const bool told = message.kind == Kind::fuse || message.kind == Kind::trade;
  const bool closes = message.kind == Kind::close;
  if (closes || told) {
    if (head.from != controller()) refuse("a worker that is not the controller of its group");
  }
  if (closes) {
    const auto at = works_.find(key);
    if (at == works_.end() || !at->second.announced || at->second.deltas_left > 0) {
      refuse("the end of what has not come so far");
    }
    Work work = std::move(at->second);
    works_.erase(at);
    end(std::move(work), message, out);
    return;
  }
  Work& work = works_[key];
  if (told) {
    if (work.announced) refuse("a round that was announced before");
    message.kind == Kind::fuse ? begin_fuse(work, message) : begin_trade(work, message);
  } else if (!work.announced) {
    work.early.push_back(message);
  } else if (message.kind == Kind::block_delta) {
    on_delta(work, message);
  } else {
    on_part(work, message);
  }
}

// Deltas are awaited from every owner whose block is not empty.
void GroupMember::announce(Work& work) {
  work.announced = true;
  work.deltas.resize(work.owners.size());
  for (uint32_t b = 0; b < work.owners.size(); ++b)
    work.deltas_left += block(b, work.owners).count > 0;
}

void GroupMember::begin_fuse(Work& work, const GroupMessage& message) {
  Reader reader(message.tail);
  const auto seats = reader.get_all<Seat>();
  for (const Seat& s : seats) {
    (s.seat == kTakesAll ? work.overwritten : work.owners).push_back(s.worker);
    if (s.worker != self_) continue;
    work.seat = s.seat;
    if (s.seat != kTakesAll) work.index = static_cast<uint32_t>(work.owners.size()) - 1;
  }
  if (!reader.finished() || work.owners.empty() || !rising(work.owners))
    refuse("a round of nobody");
  announce(work);
  if (work.index == kNobody) return take_early(work);
  const auto values = crew_.values(self_);
  work.parts.resize(work.owners.size());
  if (block(work.index, work.owners).count > 0) work.parts_left = work.owners.size();
  for (uint32_t b = 0; b < work.owners.size(); ++b) {
    const Block part = block(b, work.owners);
    if (part.count == 0) continue;
    if (b != work.index) {
      send_block(work.owners[b], part, message.head);
    } else {
      work.parts[b] = Bytes::copy_of(std::as_bytes(values.subspan(part.from, part.count)));
      --work.parts_left;
    }
  }
  if (work.parts_left == 0 && !work.parts[work.index].empty()) average(work, message.head);
  take_early(work);
}

void GroupMember::send_block(WorkerId to, const Block& of, const GroupHead& head) {
  const auto values = crew_.values(self_).subspan(of.from, of.count);
  if (!packed(to)) return post_.send(Kind::block, head_to(to, head), std::as_bytes(values));
  post_.send(Kind::block, head_to(to, head), codec_->tell(to, of, values));
}

void GroupMember::begin_trade(Work& work, const GroupMessage& message) {
  Reader reader(message.tail);
  const auto tail = reader.get<TradeTail>();
  work.owners = reader.get_all<WorkerId>();
  work.others = reader.get_all<WorkerId>();
  const bool fits = reader.finished() && !work.owners.empty() && !work.others.empty() &&
                    rising(work.owners) && rising(work.others) && tail.own_size > 0;
  if (!fits) refuse("a trade of nobody");
  announce(work);
  work.weight = double(tail.other_size) / (double(tail.other_size) + double(tail.own_size));
  if (std::binary_search(work.owners.begin(), work.owners.end(), self_)) {
    work.index = index_in(work.owners, self_);
    const Block own = block(work.index, work.owners);
    if (mean_.round != tail.round || mean_.owners != work.owners.size() ||
        mean_.index != work.index) {
      refuse("a trade of a mean that is not here");
    }
    work.mean = std::exchange(mean_, {}).values;
    work.parts.resize(work.others.size());
    for (uint32_t j = 0; j < work.others.size(); ++j) {
      const Block shared = overlap(own, block(j, work.others));
      if (shared.count == 0) continue;
      ++work.parts_left;
      const auto part = floats_of(work.mean).subspan(shared.from - own.from, shared.count);
      post_.send(Kind::block_mean, head_to(work.others[j], message.head), std::as_bytes(part));
    }
  }
  take_early(work);
}

void GroupMember::take_early(Work& work) {
  for (const GroupMessage& message : std::exchange(work.early, {})) {
    message.kind == Kind::block_delta ? on_delta(work, message) : on_part(work, message);
  }
}

void GroupMember::on_part(Work& work, const GroupMessage& message) {
  const bool trade = message.head.work == GroupWork::trade;
  if (work.index == kNobody || message.kind != (trade ? Kind::block_mean : Kind::block)) {
    refuse("a block that this worker does not own");
  }
  const auto& senders = trade ? work.others : work.owners;
  const uint32_t i = index_in(senders, message.head.from);
  Block wanted = block(work.index, work.owners);
  if (trade) wanted = overlap(wanted, block(i, work.others));
  const bool is_packed = !trade && packed(message.head.from);
  const bool fits = wanted.count > 0 && work.parts[i].empty() &&
                    (is_packed || message.tail.size() == wanted.count * sizeof(float));
  if (!fits) refuse("a block of a wrong size, or one that came before");
  work.parts[i] =
      is_packed ? codec_->hear(message.head.from, wanted, message.tail.span()) : message.tail;
  if (--work.parts_left == 0) trade ? weigh(work, message.head) : average(work, message.head);
}

void GroupMember::on_delta(Work& work, const GroupMessage& message) {
  const uint32_t i = index_in(work.owners, message.head.from);
  const Block of = block(i, work.owners);
  const bool trade = message.head.work == GroupWork::trade;
  const bool is_packed = trade ? codec_.has_value() : packed(message.head.from);
  const bool fits = of.count > 0 && work.deltas[i].empty() &&
                    (is_packed || message.tail.size() == of.count * sizeof(float));
  if (!fits) refuse("a delta of a wrong size, or one that came before");
  if (!is_packed) {
    work.deltas[i] = message.tail;
  } else if (trade) {
    work.deltas[i] = trade_delta(work, i, message);
  } else {
    MutableBytes delta(of.count * sizeof(float));
    codec_->unpack(message.tail.span(), {floats_in(delta.data()), of.count});
    work.deltas[i] = std::move(delta).freeze();
  }
  if (--work.deltas_left == 0) post_.send(Kind::done, head_to(controller(), message.head));
}

// The mean of the block, added up in order of owners, and for each the way to it from what it sent.
void GroupMember::average(Work& work, const GroupHead& head) {
  const size_t n = work.owners.size(), count = block(work.index, work.owners).count;
  constexpr size_t kStretch = 512;
  std::array<double, kStretch> sum;
  MutableBytes mean(count * sizeof(float));
  for (size_t at = 0; at < count; at += kStretch) {
    const size_t length = std::min(kStretch, count - at);
    std::fill_n(sum.begin(), length, 0.0);
    for (const Bytes& part : work.parts) {
      const float* from = floats_of(part).data() + at;
      for (size_t i = 0; i < length; ++i) sum[i] += from[i];
    }
    float* to = floats_in(mean.data()) + at;
    for (size_t i = 0; i < length; ++i) to[i] = static_cast<float>(sum[i] / double(n));
  }
  work.mean = std::move(mean).freeze();
  codec_ ? send_packed_deltas(work, head) : send_deltas(work, head);
  for (const WorkerId w : work.overwritten) {
    post_.send(Kind::block_delta, head_to(w, head), work.mean.span());
  }
  work.parts.clear();
}

void GroupMember::send_deltas(const Work& work, const GroupHead& head) {
  const auto mean = floats_of(work.mean);
  for (size_t to = 0; to < work.owners.size(); ++to) {
    const float* sent = floats_of(work.parts[to]).data();
    const auto fill = [&](std::byte* at) {
      for (size_t i = 0; i < mean.size(); ++i) floats_in(at)[i] = mean[i] - sent[i];
    };
    post_.send(Kind::block_delta, head_to(work.owners[to], head), mean.size_bytes(), fill);
  }
}

// This worker's own is what makes the sum of all nothing.
void GroupMember::send_packed_deltas(const Work& work, const GroupHead& head) {
  const auto mean = floats_of(work.mean);
  std::vector<float> delta(mean.size()), own(mean.size());
  for (size_t to = 0; to < work.owners.size(); ++to) {
    if (to == work.index) continue;
    std::copy(mean.begin(), mean.end(), delta.begin());
    vec().subtract(delta.data(), floats_of(work.parts[to]).data(), delta.size());
    const GroupHead to_it = head_to(work.owners[to], head);
    if (packed(work.owners[to])) {
      post_.send(Kind::block_delta, to_it, codec_->pack(delta));
    } else {
      post_.send(Kind::block_delta, to_it, std::as_bytes(std::span<const float>(delta)));
    }
    vec().subtract(own.data(), delta.data(), own.size());
  }
  post_.send(Kind::block_delta, head_to(self_, head), std::as_bytes(std::span<const float>(own)));
}

// Both groups go to the mean of all their members, each by its share of the way.
void GroupMember::weigh(Work& work, const GroupHead& head) {
  if (codec_) return weigh_packed(work, head);
  const Block own = block(work.index, work.owners);
  MutableBytes change(work.mean.size());
  float* to = floats_in(change.data());
  const float* mine = floats_of(work.mean).data();
  for (uint32_t j = 0; j < work.others.size(); ++j) {
    const Block shared = overlap(own, block(j, work.others));
    const float* theirs = floats_of(work.parts[j]).data();
    for (size_t i = 0, at = shared.from - own.from; i < shared.count; ++i, ++at) {
      to[at] = static_cast<float>(work.weight * (double{theirs[i]} - mine[at]));
    }
  }
  const Bytes delta = std::move(change).freeze();
  work.parts.clear();
  for (const uint32_t w : plan_->groups[group_]) {
    post_.send(Kind::block_delta, head_to(WorkerId{w}, head), delta.span());
  }
}

// Of each stretch that two owners share the way from the higher group's mean to the lower one's.
void GroupMember::weigh_packed(Work& work, const GroupHead& head) {
  const Block own = block(work.index, work.owners);
  const bool low = group_ < plan_->group_of(work.others[0]);
  const float* mine = floats_of(work.mean).data();
  std::vector<float> way;
  Writer tail;
  for (uint32_t j = 0; j < work.others.size(); ++j) {
    const Block shared = overlap(own, block(j, work.others));
    if (shared.count == 0) continue;
    const float* here = mine + (shared.from - own.from);
    const float* there = floats_of(work.parts[j]).data();
    way.assign(low ? here : there, (low ? here : there) + shared.count);
    vec().subtract(way.data(), low ? there : here, shared.count);
    Random draws = codec_->draws_of(mix(head.group, head.id), shared.from);
    const auto stretch = codec_->pack(way, draws);
    tail.put_all(std::span<const std::byte>(stretch));
  }
  work.parts.clear();
  const Bytes delta = std::move(tail).take();
  for (const uint32_t w : plan_->groups[group_]) {
    post_.send(Kind::block_delta, head_to(WorkerId{w}, head), delta.span());
  }
}

Bytes GroupMember::trade_delta(const Work& work, uint32_t owner,
                               const GroupMessage& message) const {
  const Block of = block(owner, work.owners);
  const bool low = group_ < plan_->group_of(work.others[0]);
  const auto share = static_cast<float>(low ? -work.weight : work.weight);
  MutableBytes delta(of.count * sizeof(float));
  Reader reader(message.tail);
  for (uint32_t j = 0; j < work.others.size(); ++j) {
    const Block shared = overlap(of, block(j, work.others));
    if (shared.count == 0) continue;
    float* const to = floats_in(delta.data()) + (shared.from - of.from);
    codec_->unpack(reader.get_all<std::byte>(), {to, shared.count});
    for (size_t i = 0; i < shared.count; ++i) to[i] *= share;
  }
  if (!reader.finished()) refuse("a delta of a trade with more in it");
  return std::move(delta).freeze();
}

void GroupMember::end(Work work, const GroupMessage& message, Outbox& out) {
  const auto values = crew_.values(self_);
  const bool overwritten = message.head.work == GroupWork::fuse && work.index == kNobody;
  for (uint32_t b = 0; b < work.owners.size(); ++b) {
    const Block of = block(b, work.owners);
    const float* delta = floats_of(work.deltas[b]).data();
    if (of.count == 0) continue;
    (overwritten ? vec().copy : vec().add)(&values[of.from], delta, of.count);
  }
  crew_.others_changed(self_);
  post_.send(Kind::ended, head_to(controller(), message.head));
  if (message.head.work == GroupWork::trade || overwritten) return;
  Reader reader(message.tail);
  if (reader.get<uint32_t>() > 0) {
    mean_ = {message.head.id, work.index, work.owners.size(), std::move(work.mean)};
  }
  if (work.seat == said_.seat && crew_.waits(self_)) crew_.go_on(self_, out);
}

}  // namespace hemiola

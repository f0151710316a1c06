#include "hemiola/table/rows.h"

#include "hemiola/core/check.h"

namespace hemiola {

Copies::Copies(uint32_t keys, uint32_t row_length, bool counts_use)
    : stride_(row_stride(row_length)),
      counts_use_(counts_use),
      slots_(keys),
      lasting_((size_t{keys} + 63) / 64),
      rows_(size_t{keys} * stride_),
      bases_(size_t{keys} * stride_),
      notes_(keys),
      used_(counts_use ? keys : 0),
      keys_(counts_use ? keys : 0),
      unlinking_of_(keys) {}

uint32_t Copies::find_unlinked(Key key) const {
  return (slots_[key.value].load(std::memory_order_relaxed) & kSlot) - 1;
}

uint32_t Copies::make(Key key) {
  if ((slots_[key.value].load(std::memory_order_relaxed) & kUnlinked) != 0) {
    const uint32_t slot = find_unlinked(key);
    unlinking_of_[slot] = 0;
    ++held_;
    touch(slot);
    return slot;
  }
  ++held_;
  uint32_t slot = slots_made_;
  if (free_.empty()) {
    HEMIOLA_CHECK(++slots_made_ < kMostRows);
  } else {
    slot = free_.back();
    free_.pop_back();
    std::fill_n(value(slot), stride_, 0.0f);
    std::fill_n(base(slot), stride_, 0.0f);
  }
  if (counts_use_) keys_[slot] = key;
  touch(slot);
  return slot;
}

void Copies::publish(Key key, uint32_t slot, Clock tag, NodeId source) {
  notes_[slot].tag.store(tag.value, std::memory_order_release);
  notes_[slot].source.store(source.value + 1, std::memory_order_release);
  const uint32_t entry = (slot + 1) | (source != kNobody ? kKept : 0);
  if (slots_[key.value].load(std::memory_order_relaxed) != entry) {
    slots_[key.value].store(entry, std::memory_order_release);
  }
  set_lasting(key, source != kNobody);
}

void Copies::publish_owned(Key key, uint32_t slot) {
  if (!owns(key)) --held_;
  notes_[slot].source.store(0, std::memory_order_relaxed);
  slots_[key.value].store((slot + 1) | kOwned, std::memory_order_release);
  set_lasting(key, true);
}

uint32_t Copies::unlink(Key key) {
  const uint32_t slot = find(key);
  HEMIOLA_CHECK(slot != kNone);
  if (!owns(key)) --held_;
  set_lasting(key, false);
  slots_[key.value].store((slot + 1) | kUnlinked, std::memory_order_release);
  if (++unlinkings_ == 0) ++unlinkings_;
  return unlinking_of_[slot] = unlinkings_;
}

void Copies::release(Key key, uint32_t unlinking) {
  if (!is_unlinked(key, unlinking)) return;
  free_.push_back(find_unlinked(key));
  slots_[key.value].store(0, std::memory_order_relaxed);
}

std::vector<Key> Copies::unused(uint32_t count) {
  std::vector<Key> keys;
  for (uint32_t seen = 0; seen < slots_made_ && keys.size() < count; ++seen) {
    hand_ = hand_ + 1 < slots_made_ ? hand_ + 1 : 0;
    if (find(keys_[hand_]) != hand_) continue;
    if (used_[hand_].exchange(0, std::memory_order_relaxed) == 0) keys.push_back(keys_[hand_]);
  }
  return keys;
}

namespace {

bool is_direct(const TableOptions& options, const Place& place) {
  return place.nodes == 1 && (!options.staleness.strict || place.workers_per_node == 1);
}

bool is_latched(const TableOptions& options, const Place& place) {
  return options.exact && (place.nodes > 1 || place.workers_per_node > 1);
}

uint32_t view_count(const TableOptions& options, const Place& place) {
  if (is_direct(options, place) || options.copies_max == 0) return 0;
  return options.staleness.strict ? place.workers_per_node : place.nodes > 1 ? 1 : 0;
}

void validate(const TableOptions& options, const Place& place) {
  const TableSpec& spec = options.spec;
  if (spec.rows == 0 || spec.row_length == 0) {
    throw UserError("table `" + spec.name + "` needs at least one row and one column");
  }
  if (options.placement.adapts() && options.staleness.strict) {
    throw UserError("table `" + spec.name +
                    "`: bsp strict needs placement static, since it adds "
                    "updates in an order that is fixed by who owns a row; use bsp, or static");
  }
  if (options.placement.adapts() && options.copies_max < spec.rows) {
    throw UserError("table `" + spec.name + "`: placement " + options.placement.name() +
                    " decides itself which copies are kept, so copies_max cannot be set");
  }
  if (spec.rows >= Copies::kMostRows && options.placement.adapts()) {
    throw UserError("table `" + spec.name + "` has too many rows for placement " +
                    options.placement.name() + ": at most " +
                    std::to_string(Copies::kMostRows - 1) + "; use static");
  }
  if (spec.rows > UINT32_MAX - 2) {
    throw UserError("table `" + spec.name + "` has too many rows: at most 4294967293 are possible");
  }
  if (options.copies_max < spec.rows && place.workers_per_node > 64) {
    throw UserError("table `" + spec.name + "`: copies_max works with up to 64 workers on a node");
  }
  if (options.staleness.strict && options.copies_max == 0) {
    throw UserError("table `" + spec.name + "`: bsp strict works on copies; allow some");
  }
}

}  // namespace

Rows::Rows(TableOptions options, const Place& place)
    : options_((validate(options, place), std::move(options))),
      self_(place.self),
      first_worker_(place.first_worker()),
      partition_(options_.spec.rows, place.nodes),
      float_form_(options_.spec.row_length),
      update_form_(options_.spec.row_length, options_.spec.values(), options_.coding),
      read_form_(options_.spec.row_length, options_.spec.values(), options_.coding.of_reads()),
      stride_(row_stride(options_.spec.row_length)),
      direct_(is_direct(options_, place)),
      adapts_(options_.placement.adapts() && place.nodes > 1),
      owned_(adapts_ ? 0 : size_t{partition_.owned_by(self_)} * stride_),
      latches_(std::make_unique<Latches>(is_latched(options_, place))) {
  const TableSpec& spec = options_.spec;
  const uint32_t owned_rows = adapts_ ? 0 : partition_.owned_by(self_);
  for (uint32_t i = 0; i < owned_rows && !starts_as_zeros(spec); ++i) {
    initialise_row(spec, partition_.key(self_, i), {owned(i), spec.row_length});
  }
  for (uint32_t v = view_count(options_, place); v > 0; --v) {
    views_.push_back(
        std::make_unique<Copies>(spec.rows, spec.row_length, options_.copies_max < spec.rows));
  }
  for (uint32_t i = 0; adapts_ && i < partition_.owned_by(self_); ++i) {
    const Key key = partition_.key(self_, i);
    const uint32_t slot = shelf().make(key);
    if (!starts_as_zeros(spec)) initialise_row(spec, key, {shelf().value(slot), spec.row_length});
    shelf().publish_owned(key, slot);
  }
}

}  // namespace hemiola

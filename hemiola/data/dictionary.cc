#include "hemiola/data/dictionary.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr size_t kFewSlots = 64;

// Folds the name eight bytes at a time by a product of 128 bits, as wyhash does.
uint64_t fold(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t hash_of(std::string_view name) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15ULL;
  uint64_t hash = name.size() * kOdd;
  const char* at = name.data();
  size_t left = name.size();
  uint64_t piece = 0;
  for (; left >= 8; left -= 8, at += 8) {
    std::memcpy(&piece, at, 8);
    hash = fold(hash ^ piece, 0xd6e8feb86659fd93ULL);
  }
  piece = 0;
  if (left > 0) std::memcpy(&piece, at, left);
  return fold(hash ^ piece ^ kOdd, 0xa0761d6478bd642fULL);
}

uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

}  // namespace

// The slot that holds the name, or the free one where it belongs. REQUIRES: a free slot.
size_t Dictionary::place_of(std::string_view name, uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.id == kNone || (slot.tag == tag_of(hash) && this->name(slot.id) == name)) return at;
  }
}

void Dictionary::grow() {
  slots_.assign(std::max(kFewSlots, 2 * slots_.size()), Slot{});
  const size_t mask = slots_.size() - 1;
  for (uint32_t id = 0; id < size(); ++id) {
    const uint64_t hash = hash_of(name(id));
    size_t at = hash & mask;
    while (slots_[at].id != kNone) at = (at + 1) & mask;
    slots_[at] = {id, tag_of(hash)};
  }
}

uint32_t Dictionary::add(std::string_view name, uint64_t hash) {
  if (uint64_t{size()} + 1 > slots_.size() / 8 * 5) grow();
  Slot& slot = slots_[place_of(name, hash)];
  if (slot.id != kNone) return slot.id;
  if (size() == kNone) throw UserError("there are more than 4294967294 different names");
  slot = {size(), tag_of(hash)};
  text_.insert(text_.end(), name.begin(), name.end());
  begin_.push_back(text_.size());
  return slot.id;
}

uint32_t Dictionary::add(std::string_view name) { return add(name, hash_of(name)); }

// A name costs three misses of the cache: slot, place of the text, text. So the slot is asked for
// kFar names ahead, and by kNear names ahead it says which name it will be compared with.
void Dictionary::add_all(const Dictionary& other, std::vector<uint32_t>& numbers) {
  constexpr uint32_t kFar = 32, kMiddle = 16, kNear = 8;
  const uint32_t count = other.size();
  numbers.resize(count);
  std::array<uint64_t, kFar> ahead;  // hashes, by id modulo kFar
  const auto slot_of = [&](uint32_t id) -> const Slot& {
    return slots_[ahead[id % kFar] & (slots_.size() - 1)];
  };
  for (uint32_t step = 0; step < count + kFar; ++step) {
    if (step >= kFar) {
      const uint32_t id = step - kFar;
      numbers[id] = add(other.name(id), ahead[id % kFar]);
    }
    if (step < count) ahead[step % kFar] = hash_of(other.name(step));
    if (slots_.empty()) continue;
    if (step < count) __builtin_prefetch(&slot_of(step));
    if (step >= kMiddle && step - kMiddle < count) {
      const uint32_t id = slot_of(step - kMiddle).id;
      if (id != kNone) __builtin_prefetch(&begin_[id]);
    }
    if (step >= kFar - kNear && step - (kFar - kNear) < count) {
      const uint32_t id = slot_of(step - (kFar - kNear)).id;
      if (id != kNone) __builtin_prefetch(text_.data() + begin_[id]);
    }
  }
}

uint32_t Dictionary::find(std::string_view name) const {
  return slots_.empty() ? kNone : slots_[place_of(name, hash_of(name))].id;
}

void Dictionary::clear() {
  text_.clear();
  begin_.resize(1);
  std::fill(slots_.begin(), slots_.end(), Slot{});
}

}  // namespace hemiola

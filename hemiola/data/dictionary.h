// Names and their numbers: the first name that is added gets 0, the next new one 1, and so on.
//
// All names stand one after the other in one text, found through an open hash table: about 20
// bytes per name besides its characters, and no heap object of its own.
// Thread safety: as a vector's.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace hemiola {

class Dictionary {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // The number of `name`, which is added if it is new. Views that name() gave are void after it.
  // Throws UserError when there are 2^32 - 1 names already.
  uint32_t add(std::string_view name);

  // Adds all names of `other`, in order; numbers[id] is what other's name `id` has here. Faster
  // than one by one for large dictionaries, since it looks ahead.
  void add_all(const Dictionary& other, std::vector<uint32_t>& numbers);

  // kNone: not there.
  uint32_t find(std::string_view name) const;

  // REQUIRES: id < size().
  std::string_view name(uint32_t id) const {
    return {text_.data() + begin_[id], begin_[id + 1] - begin_[id]};
  }

  uint32_t size() const { return static_cast<uint32_t>(begin_.size() - 1); }
  uint64_t characters() const { return text_.size(); }

  void clear();  // keeps the memory

 private:
  // 8 bytes; the upper half of the hash spares most comparisons of texts.
  struct Slot {
    uint32_t id = kNone;
    uint32_t tag = 0;
  };

  size_t place_of(std::string_view name, uint64_t hash) const;
  uint32_t add(std::string_view name, uint64_t hash);
  void grow();

  std::vector<char> text_;
  std::vector<uint64_t> begin_ = {0};  // by id, and the end
  std::vector<Slot> slots_;            // a power of two of them, at most 5/8 in use; or none
};

}  // namespace hemiola

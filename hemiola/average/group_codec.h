// What members of groups send each other with a codec.
//
// On the way to the mean: of a block goes the difference from what its owner has been told of it,
// and both ends keep what that decodes to (as in link_copies.h, but block by block). What the codec
// leaves out is in the next difference. On the way back: the delta itself goes, and the owner's own
// is what makes the sum of all nothing, so the sum over all workers stays; what is left out stays
// with those two. Without a memory on that way codecs must be near the truth each time, which
// require_codec_fits sees to.
//
// In trades the difference of the two groups' means goes to all members of both. Both owners of a
// stretch encode it with draws of the same seed, so both groups take the same.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "hemiola/average/group_plan.h"
#include "hemiola/average/link_copies.h"
#include "hemiola/core/bytes.h"
#include "hemiola/core/random.h"

namespace hemiola {

class GroupCodec {
 public:
  // `basis` must live as long.
  GroupCodec(LinkBasis& basis, WorkerId self);

  using Message = std::vector<std::byte>;

  // The block's values, to a worker of another node.
  Message tell(WorkerId to, const Block& of, std::span<const float> values);
  // The block as `from` told it, as floats. Throws std::runtime_error for a message that cannot be.
  Bytes hear(WorkerId from, const Block& of, std::span<const std::byte> message);
  // The group is another one: everybody forgets what was told.
  void forget();

  // Of x, which is replaced by what the message decodes to.
  Message pack(std::span<float> x) { return pack(x, random_); }
  Message pack(std::span<float> x, Random& random);
  // Throws std::runtime_error.
  void unpack(std::span<const std::byte> message, std::span<float> x) const;
  // For what two must encode alike.
  Random draws_of(uint64_t what, uint64_t stretch) const {
    return Random(mix(basis_->seed, what, stretch));
  }

 private:
  std::vector<float>& copy(std::map<WorkerId, std::vector<float>>& copies, WorkerId of);

  LinkBasis* basis_;
  Random random_;
  std::map<WorkerId, std::vector<float>> told_, heard_;  // whole models, by worker
};

}  // namespace hemiola

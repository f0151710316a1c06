#include "hemiola/average/group_codec.h"

#include <stdexcept>
#include <string>

#include "hemiola/core/check.h"
#include "hemiola/core/vec.h"

namespace hemiola {
namespace {

constexpr uint64_t kDraws = 0x96c0;

}  // namespace

GroupCodec::GroupCodec(LinkBasis& basis, WorkerId self)
    : basis_(&basis), random_(mix(basis.seed, self.value, kDraws)) {}

std::vector<float>& GroupCodec::copy(std::map<WorkerId, std::vector<float>>& copies, WorkerId of) {
  std::vector<float>& copy = copies[of];
  if (copy.empty()) copy = basis_->start;
  return copy;
}

void GroupCodec::forget() {
  told_.clear();
  heard_.clear();
}

GroupCodec::Message GroupCodec::pack(std::span<float> x, Random& random) {
  CodecMemory memory;
  Message message(basis_->codec->bytes_for(x.size()));
  message.resize(basis_->codec->encode(x, memory, random, message));
  unpack(message, x);
  return message;
}

void GroupCodec::unpack(std::span<const std::byte> message, std::span<float> x) const {
  const Refusal refusal = basis_->codec->decode(message, x);
  if (!refusal.empty()) throw std::runtime_error("a block that cannot be: " + std::string(refusal));
}

GroupCodec::Message GroupCodec::tell(WorkerId to, const Block& of, std::span<const float> values) {
  float* const known = copy(told_, to).data() + of.from;
  std::vector<float>& change = basis_->change;
  change.assign(values.begin(), values.end());
  vec().subtract(change.data(), known, of.count);
  Message message = pack(change);
  vec().add(known, change.data(), of.count);
  return message;
}

Bytes GroupCodec::hear(WorkerId from, const Block& of, std::span<const std::byte> message) {
  std::vector<float>& change = basis_->change;
  change.resize(of.count);
  unpack(message, change);
  float* const known = copy(heard_, from).data() + of.from;
  vec().add(known, change.data(), of.count);
  return Bytes::copy_of(std::as_bytes(std::span<const float>(known, of.count)));
}

}  // namespace hemiola

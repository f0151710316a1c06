#include "hemiola/average/codec.h"

#include <charconv>
#include <optional>

#include "hemiola/average/codec_kinds.h"
#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr size_t kMaxBucket = 1 << 20, kMaxRank = 256;

template <class T>
std::optional<T> number(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  T value{};
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end) return std::nullopt;
  return value;
}

[[noreturn]] void refuse(std::string_view whole, const std::string& what) {
  throw UserError("in the codec `" + std::string(whole) + "` " + what);
}

std::unique_ptr<const Codec> quantise_from(std::string_view inner, std::string_view whole,
                                           const CodecKernels& kernels) {
  const size_t comma = inner.find(',');
  const auto bits = number<unsigned>(inner.substr(0, comma));
  if (bits != 2u && bits != 4u && bits != 8u) {
    refuse(whole, "the bits must be 2, 4 or 8, as in `quantise(4)`");
  }
  if (comma == inner.npos) return quantise_codec(*bits, *bits == 2 ? 256 : 512, kernels);
  const auto bucket = number<size_t>(inner.substr(comma + 1));
  if (!bucket || *bucket == 0 || *bucket % kCodecBlock != 0 || *bucket > kMaxBucket) {
    refuse(whole, "the bucket must be a multiple of " + std::to_string(kCodecBlock) + " up to " +
                      std::to_string(kMaxBucket) + ", as in `quantise(4, 512)`");
  }
  return quantise_codec(*bits, *bucket, kernels);
}

std::unique_ptr<const Codec> topk_from(std::string_view inner, std::string_view whole) {
  const auto share = number<double>(inner);
  if (!share || !(*share > 0) || *share > 1) {
    refuse(whole,
           "the share of the values to send must be above 0 and at most 1, as in `topk(0.01)`");
  }
  return topk_codec(*share);
}

std::unique_ptr<const Codec> lowrank_from(std::string_view inner, std::string_view whole,
                                          std::vector<MatrixShape> shapes,
                                          const CodecKernels& kernels) {
  const auto rank = number<size_t>(inner);
  if (!rank || *rank == 0 || *rank > kMaxRank) {
    refuse(whole, "the rank must be a whole number from 1 to " + std::to_string(kMaxRank) +
                      ", as in `lowrank(4)`");
  }
  return lowrank_codec(*rank, std::move(shapes), kernels);
}

}  // namespace

const CodecKernels& codec_kernels_for(Simd simd) {
  HEMIOLA_CHECK(simd <= simd_here());
#if defined(__x86_64__)
  if (simd == Simd::avx512) return kCodecAvx512;
  if (simd == Simd::avx2) return kCodecAvx2;
#endif
  return kCodecBaseline;
}

std::unique_ptr<const Codec> make_codec(std::string_view text, std::vector<MatrixShape> shapes) {
  const CodecKernels& kernels = codec_kernels_for(simd_here());
  if (text == "none") return none_codec(kernels);
  if (text == "bf16") return bf16_codec(kernels);
  if (text == "sign") return sign_codec(kernels);
  const size_t open = text.find('(');
  if (open != text.npos && text.ends_with(')')) {
    const std::string_view name = text.substr(0, open);
    const std::string_view inner = text.substr(open + 1, text.size() - open - 2);
    if (name == "quantise") return quantise_from(inner, text, kernels);
    if (name == "topk") return topk_from(inner, text);
    if (name == "lowrank") return lowrank_from(inner, text, std::move(shapes), kernels);
  }
  throw UserError("unknown codec `" + std::string(text) +
                  "`: use none, bf16, quantise(BITS), quantise(BITS, BUCKET), topk(SHARE), sign or "
                  "lowrank(RANK)");
}

size_t encode_to(Writer& out, const Codec& codec, std::span<const float> x, CodecMemory& memory,
                 Random& random) {
  const size_t start = out.size(), most = codec.bytes_for(x.size());
  std::byte* at = out.skip(most);
  const size_t used = codec.encode(x, memory, random, {at, most});
  out.rewind(start + used);
  return used;
}

}  // namespace hemiola

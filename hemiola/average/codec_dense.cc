// The codecs that keep every value: as it is, or its upper half.
#include <cstring>

#include "hemiola/average/codec_kinds.h"
#include "hemiola/core/check.h"

namespace hemiola {
namespace {

class NoneCodec final : public Codec {
 public:
  explicit NoneCodec(const CodecKernels& kernels) : kernels_(kernels) {}

  size_t encode(std::span<const float> x, CodecMemory&, Random&,
                std::span<std::byte> out) const override {
    HEMIOLA_CHECK(out.size() >= x.size_bytes());
    if (!x.empty()) std::memcpy(out.data(), x.data(), x.size_bytes());
    return x.size_bytes();
  }

  Refusal decode(std::span<const std::byte> message, std::span<float> out) const override {
    if (message.size() != out.size_bytes()) return kSize;
    if (!out.empty()) std::memcpy(out.data(), message.data(), message.size());
    return {};
  }

  Refusal decode_add(std::span<const std::byte> message, float weight,
                     std::span<float> out) const override {
    if (message.size() != out.size_bytes()) return kSize;
    constexpr size_t kPiece = 1024;  // bytes need not lie as floats must
    float piece[kPiece];
    for (size_t i = 0; i < out.size(); i += kPiece) {
      const size_t here = std::min(kPiece, out.size() - i);
      std::memcpy(piece, message.data() + i * sizeof(float), here * sizeof(float));
      kernels_.axpy(out.data() + i, weight, piece, here);
    }
    return {};
  }

  size_t bytes_for(size_t n) const override { return n * sizeof(float); }
  double error_bound(size_t) const override { return 0; }
  bool biased() const override { return false; }
  std::string text() const override { return "none"; }

 private:
  static constexpr Refusal kSize = "a message without codec must have four bytes for each value";

  const CodecKernels& kernels_;
};

class Bf16Codec final : public Codec {
 public:
  explicit Bf16Codec(const CodecKernels& kernels) : kernels_(kernels) {}

  size_t encode(std::span<const float> x, CodecMemory&, Random&,
                std::span<std::byte> out) const override {
    HEMIOLA_CHECK(out.size() >= bytes_for(x.size()));
    kernels_.to_bf16(x.data(), x.size(), reinterpret_cast<unsigned char*>(out.data()));
    return bytes_for(x.size());
  }

  Refusal decode(std::span<const std::byte> message, std::span<float> out) const override {
    return decode_into(message, out.size(), {out.data()});
  }

  Refusal decode_add(std::span<const std::byte> message, float weight,
                     std::span<float> out) const override {
    return decode_into(message, out.size(), {out.data(), true, weight});
  }

  size_t bytes_for(size_t n) const override { return 2 * n; }
  double error_bound(size_t) const override { return 0x1p-16; }
  bool biased() const override { return true; }
  std::string text() const override { return "bf16"; }

 private:
  Refusal decode_into(std::span<const std::byte> message, size_t n, const DecodeInto& into) const {
    if (message.size() != bytes_for(n)) {
      return "a message in bf16 must have two bytes for each value";
    }
    kernels_.from_bf16(reinterpret_cast<const unsigned char*>(message.data()), n, into);
    return {};
  }

  const CodecKernels& kernels_;
};

}  // namespace

std::unique_ptr<const Codec> none_codec(const CodecKernels& kernels) {
  return std::make_unique<NoneCodec>(kernels);
}

std::unique_ptr<const Codec> bf16_codec(const CodecKernels& kernels) {
  return std::make_unique<Bf16Codec>(kernels);
}

}  // namespace hemiola

// The codecs that spend a few bits on each value and a float on each bucket: levels and signs. A
// message is the floats of all buckets, then the codes.
#include <algorithm>
#include <cmath>

#include "hemiola/average/codec_kinds.h"
#include "hemiola/core/check.h"

namespace hemiola {
namespace {

class BucketCodec : public Codec {
 public:
  BucketCodec(unsigned bits, size_t bucket, const CodecKernels& kernels)
      : bits_(bits), bucket_(bucket), kernels_(kernels) {
    HEMIOLA_CHECK(bucket > 0 && bucket % kCodecBlock == 0);
  }

  size_t encode(std::span<const float> x, CodecMemory&, Random& random,
                std::span<std::byte> out) const override {
    const size_t size = bytes_for(x.size());
    HEMIOLA_CHECK(out.size() >= size);
    auto* steps = reinterpret_cast<unsigned char*>(out.data());
    write(x, random, steps, steps + step_bytes(x.size()));
    return size;
  }

  Refusal decode(std::span<const std::byte> message, std::span<float> out) const override {
    return decode_into(message, out.size(), {out.data()});
  }

  Refusal decode_add(std::span<const std::byte> message, float weight,
                     std::span<float> out) const override {
    return decode_into(message, out.size(), {out.data(), true, weight});
  }

  size_t bytes_for(size_t n) const override { return step_bytes(n) + (n * bits_ + 7) / 8; }

 protected:
  virtual void write(std::span<const float> x, Random& random, unsigned char* steps,
                     unsigned char* codes) const = 0;
  virtual void read(const unsigned char* steps, const unsigned char* codes, size_t n,
                    const DecodeInto& into) const = 0;

  size_t step_bytes(size_t n) const { return (n + bucket_ - 1) / bucket_ * sizeof(float); }

  Refusal decode_into(std::span<const std::byte> message, size_t n, const DecodeInto& into) const {
    if (message.size() != bytes_for(n)) {
      return "a quantised message must have a float for each bucket and the bits of each value";
    }
    const auto* steps = reinterpret_cast<const unsigned char*>(message.data());
    read(steps, steps + step_bytes(n), n, into);
    return {};
  }

  const unsigned bits_;
  const size_t bucket_;
  const CodecKernels& kernels_;
};

class QuantiseCodec final : public BucketCodec {
 public:
  using BucketCodec::BucketCodec;

  // The theorem's min(m / s^2, sqrt(m) / s), and m / (4 s^2) since p (1 - p) <= 1/4.
  double error_bound(size_t n) const override {
    const double m = static_cast<double>(std::min(n, bucket_)), s = (1 << (bits_ - 1)) - 1;
    return std::min(m / (4 * s * s), std::sqrt(m) / s);
  }

  bool biased() const override { return false; }

  std::string text() const override {
    return "quantise(" + std::to_string(bits_) + ", " + std::to_string(bucket_) + ")";
  }

 private:
  void write(std::span<const float> x, Random& random, unsigned char* steps,
             unsigned char* codes) const override {
    kernels_.quantise(x.data(), x.size(), bits_, bucket_, random(), steps, codes);
  }

  void read(const unsigned char* steps, const unsigned char* codes, size_t n,
            const DecodeInto& into) const override {
    kernels_.dequantise(steps, codes, n, bits_, bucket_, into);
  }
};

class SignCodec final : public BucketCodec {
 public:
  explicit SignCodec(const CodecKernels& kernels) : BucketCodec(1, 1024, kernels) {}

  // |x - C(x)|^2 = |x|^2 - (sum |x|)^2 / m, and sum |x| >= |x|.
  double error_bound(size_t n) const override {
    return 1 - 1 / static_cast<double>(std::clamp<size_t>(n, 1, bucket_));
  }

  bool biased() const override { return true; }
  std::string text() const override { return "sign"; }

 private:
  void write(std::span<const float> x, Random&, unsigned char* steps,
             unsigned char* codes) const override {
    kernels_.signs(x.data(), x.size(), bucket_, steps, codes);
  }

  void read(const unsigned char* steps, const unsigned char* codes, size_t n,
            const DecodeInto& into) const override {
    kernels_.from_signs(steps, codes, n, bucket_, into);
  }
};

}  // namespace

std::unique_ptr<const Codec> quantise_codec(unsigned bits, size_t bucket,
                                            const CodecKernels& kernels) {
  HEMIOLA_CHECK(bits == 2 || bits == 4 || bits == 8);
  return std::make_unique<QuantiseCodec>(bits, bucket, kernels);
}

std::unique_ptr<const Codec> sign_codec(const CodecKernels& kernels) {
  return std::make_unique<SignCodec>(kernels);
}

}  // namespace hemiola

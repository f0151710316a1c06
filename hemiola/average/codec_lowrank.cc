// The codec of two thin factors. A message is, for each matrix, the left factor (a row of `rank`
// for each row) and the right one (rank times a row of the matrix), or the matrix itself.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "hemiola/average/codec_kinds.h"
#include "hemiola/core/check.h"

namespace hemiola {
namespace {

// A matrix as it lies in the vector; the last row may be short, what it lacks counts as zeros.
struct Part {
  size_t first = 0, rows = 0, columns = 0, size = 0;

  size_t length(size_t row) const { return std::min(columns, size - row * columns); }
};

// Makes the columns of p, each `rows` long, orthonormal; a column that depends on those before it
// becomes zero. Twice, since once is not enough when columns are nearly parallel.
void orthonormalise(std::vector<double>& p, size_t rows, size_t rank) {
  for (size_t k = 0; k < rank; ++k) {
    double* column = p.data() + k * rows;
    const auto square = [&] {
      double sum = 0;
      for (size_t i = 0; i < rows; ++i) sum += column[i] * column[i];
      return sum;
    };
    const double before = square();
    for (int again = 0; again < 2; ++again) {
      for (size_t j = 0; j < k; ++j) {
        const double* other = p.data() + j * rows;
        double along = 0;
        for (size_t i = 0; i < rows; ++i) along += column[i] * other[i];
        for (size_t i = 0; i < rows; ++i) column[i] -= along * other[i];
      }
    }
    const double after = square();
    const double scale = after <= 1e-12 * before || after == 0 ? 0 : 1 / std::sqrt(after);
    for (size_t i = 0; i < rows; ++i) column[i] *= scale;
  }
}

class LowrankCodec final : public Codec {
 public:
  LowrankCodec(size_t rank, std::vector<MatrixShape> shapes, const CodecKernels& kernels)
      : rank_(rank), shapes_(std::move(shapes)), kernels_(kernels) {
    HEMIOLA_CHECK(rank > 0);
  }

  size_t encode(std::span<const float> x, CodecMemory& memory, Random& random,
                std::span<std::byte> out) const override {
    HEMIOLA_CHECK(out.size() >= bytes_for(x.size()));
    const std::vector<Part> parts = parts_of(x.size());
    size_t warm = 0;
    for (const Part& part : parts) warm += thin(part) ? rank_ * part.columns : 0;
    if (memory.warm.size() != warm) memory.warm.assign(warm, 0);

    float* right = memory.warm.data();
    std::byte* at = out.data();
    for (const Part& part : parts) {
      const float* matrix = x.data() + part.first;
      if (thin(part)) {
        const std::vector<float> left = iterate(matrix, part, right, random);
        at = put(put(at, left.data(), left.size()), right, rank_ * part.columns);
        right += rank_ * part.columns;
      } else {
        at = put(at, matrix, part.size);
      }
    }
    // What is not finite must not stay for ever: the next message begins anew.
    const auto finite = [](float v) { return std::isfinite(v); };
    if (!std::all_of(memory.warm.begin(), memory.warm.end(), finite)) memory.warm.clear();
    return static_cast<size_t>(at - out.data());
  }

  Refusal decode(std::span<const std::byte> message, std::span<float> out) const override {
    return decode_into(message, out.size(), {out.data()});
  }

  Refusal decode_add(std::span<const std::byte> message, float weight,
                     std::span<float> out) const override {
    return decode_into(message, out.size(), {out.data(), true, weight});
  }

  size_t bytes_for(size_t n) const override {
    size_t floats = 0;
    for (const Part& part : parts_of(n)) {
      floats += thin(part) ? rank_ * (part.rows + part.columns) : part.size;
    }
    return floats * sizeof(float);
  }

  // What is decoded is the matrix projected on the columns of the left factor.
  double error_bound(size_t n) const override { return bytes_for(n) < 4 * n ? 1 : 0; }
  bool biased() const override { return true; }
  std::string text() const override { return "lowrank(" + std::to_string(rank_) + ")"; }

 private:
  bool thin(const Part& part) const { return rank_ * (part.rows + part.columns) < part.size; }

  std::vector<Part> parts_of(size_t n) const {
    std::vector<Part> parts;
    size_t first = 0;
    for (const MatrixShape& shape : shapes_) {
      const size_t size = shape.rows * shape.columns;
      parts.push_back({first, shape.rows, shape.columns, size});
      first += size;
    }
    if (first == n) return parts;
    const size_t columns = static_cast<size_t>(std::ceil(std::sqrt(static_cast<double>(n))));
    return {{0, (n + columns - 1) / columns, columns, n}};
  }

  // From the right factor Q: P = M Q made orthonormal, then Q = M^T P. Returns P by rows.
  std::vector<float> iterate(const float* matrix, const Part& part, float* right,
                             Random& random) const {
    start_empty(right, part.columns, random);
    std::vector<double> p(rank_ * part.rows);
    for (size_t i = 0; i < part.rows; ++i) {
      for (size_t k = 0; k < rank_; ++k) {
        p[k * part.rows + i] =
            kernels_.dot(matrix + i * part.columns, right + k * part.columns, part.length(i));
      }
    }
    orthonormalise(p, part.rows, rank_);
    std::vector<float> left(part.rows * rank_);
    std::fill(right, right + rank_ * part.columns, 0.0f);
    for (size_t i = 0; i < part.rows; ++i) {
      for (size_t k = 0; k < rank_; ++k) {
        const float factor = left[i * rank_ + k] = static_cast<float>(p[k * part.rows + i]);
        kernels_.axpy(right + k * part.columns, factor, matrix + i * part.columns, part.length(i));
      }
    }
    return left;
  }

  // A column of zeros would stay one: it begins at random, as in the first message.
  void start_empty(float* right, size_t columns, Random& random) const {
    for (size_t k = 0; k < rank_; ++k) {
      float* column = right + k * columns;
      if (std::any_of(column, column + columns, [](float v) { return v != 0; })) continue;
      for (size_t j = 0; j < columns; ++j) column[j] = static_cast<float>(random.uniform(-1, 1));
    }
  }

  static std::byte* put(std::byte* at, const float* values, size_t n) {
    if (n > 0) std::memcpy(at, values, n * sizeof(float));
    return at + n * sizeof(float);
  }

  Refusal decode_into(std::span<const std::byte> message, size_t n, const DecodeInto& into) const {
    if (message.size() != bytes_for(n)) {
      return "a lowrank message must have two factors for each matrix";
    }
    std::vector<float> floats(message.size() / sizeof(float));  // bytes need not lie as floats must
    if (!floats.empty()) std::memcpy(floats.data(), message.data(), message.size());
    const float* at = floats.data();
    const float one = 1;
    for (const Part& part : parts_of(n)) {
      DecodeInto rows = into;
      rows.out += part.first;
      if (!thin(part)) {
        kernels_.combine(&one, 1, at, 0, part.size, rows);
        at += part.size;
        continue;
      }
      const float* right = at + part.rows * rank_;
      for (size_t i = 0; i < part.rows; ++i, rows.out += part.columns) {
        kernels_.combine(at + i * rank_, rank_, right, part.columns, part.length(i), rows);
      }
      at = right + rank_ * part.columns;
    }
    return {};
  }

  const size_t rank_;
  const std::vector<MatrixShape> shapes_;
  const CodecKernels& kernels_;
};

}  // namespace

std::unique_ptr<const Codec> lowrank_codec(size_t rank, std::vector<MatrixShape> shapes,
                                           const CodecKernels& kernels) {
  return std::make_unique<LowrankCodec>(rank, std::move(shapes), kernels);
}

}  // namespace hemiola

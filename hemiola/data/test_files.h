// Files for this folder's tests.
#pragma once

#include <bzlib.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "hemiola/core/check.h"
#include "hemiola/data/temp_folder.h"

namespace hemiola::test {

inline std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string gzip(const std::string& text) {
  z_stream zip{};
  HEMIOLA_CHECK(deflateInit2(&zip, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&zip, text.size()) + 32, '\0');
  zip.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  zip.avail_in = static_cast<uInt>(text.size());
  zip.next_out = reinterpret_cast<Bytef*>(out.data());
  zip.avail_out = static_cast<uInt>(out.size());
  HEMIOLA_CHECK(deflate(&zip, Z_FINISH) == Z_STREAM_END);
  out.resize(out.size() - zip.avail_out);
  deflateEnd(&zip);
  return out;
}

inline std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

inline std::string bzip2(const std::string& text) {
  std::string out(text.size() + text.size() / 50 + 700, '\0');
  auto size = static_cast<unsigned>(out.size());
  HEMIOLA_CHECK(BZ2_bzBuffToBuffCompress(out.data(), &size, const_cast<char*>(text.data()),
                                         static_cast<unsigned>(text.size()), 5, 0, 0) == BZ_OK);
  out.resize(size);
  return out;
}

// A thread for each task.
inline void on_threads(size_t count, const std::function<void(size_t)>& task) {
  std::vector<std::thread> threads;
  for (size_t i = 0; i < count; ++i) threads.emplace_back([&task, i] { task(i); });
  for (std::thread& thread : threads) thread.join();
}

// The text of the UserError that `doing` ends with.
template <class Doing>
std::string error_of(Doing&& doing) {
  try {
    doing();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

// The public data sets beside the project, or empty when they are not there.
inline std::string shared_data(const std::string& name) {
  std::filesystem::path folder = std::filesystem::current_path();
  for (; folder.has_relative_path(); folder = folder.parent_path()) {
    const auto file = folder / ".." / "shared" / "data" / name;
    if (std::filesystem::exists(file)) return file;
  }
  return {};
}

}  // namespace hemiola::test

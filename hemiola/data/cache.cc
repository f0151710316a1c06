#include "hemiola/data/cache.h"

#include <sys/stat.h>

#include <bit>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>

#include "hemiola/core/random.h"
#include "hemiola/data/cache_format.h"

namespace hemiola {
namespace {

namespace fs = std::filesystem;

enum class Kind : uint64_t { ratings = 1, libsvm = 2 };

uint64_t text_hash(const std::string& text) {
  uint64_t hash = text.size();
  for (const char c : text) hash = mix(hash ^ static_cast<unsigned char>(c));
  return hash;
}

uint64_t bits(float value) { return std::bit_cast<uint32_t>(value); }

template <class T>
ByteSpan bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

// Size and time of change; nothing when the source is no regular file.
std::optional<CacheStamp> stamp_of(const std::string& path, uint64_t key) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return CacheStamp{static_cast<uint64_t>(info.st_size),
                    int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec, key};
}

// One file for each source and its options, so that two jobs do not push each other out.
std::string place_in(const std::string& cache, const std::string& path, uint64_t key) {
  char hex[16];
  const auto digits = static_cast<size_t>(std::to_chars(hex, hex + sizeof hex, key, 16).ptr - hex);
  return fs::path(cache) / (fs::path(path).filename().string() + "." + std::string(hex, digits));
}

std::string absolute(const std::string& path) {
  std::error_code error;
  const fs::path canonical = fs::canonical(path, error);
  return error ? path : canonical.string();
}

// The common course: take from the cache, else read and keep.
template <class Data, class Read, class Load, class Arrays>
Data through_cache(const std::string& path, uint64_t key, const std::string& cache, CacheUse* use,
                   Read&& read, Load&& load, Arrays&& arrays) {
  CacheUse ignored;
  CacheUse& report = use ? *use : ignored;
  report = {};
  const auto stamp = cache.empty() ? std::nullopt : stamp_of(path, key);
  if (!stamp) return read();
  const std::string place = place_in(cache, path, key);
  {
    CacheFile file(place, *stamp);
    report.hit = file.open();
    if (report.hit) return load(file);
  }
  Data data = read();
  // A source that changed while it was read may be half old and half new.
  if (stamp_of(path, key) != stamp) return data;
  try {
    fs::create_directories(cache);
    write_cache_file(place, *stamp, arrays(data));
  } catch (const UserError& error) {
    report.problem = error.what();
  } catch (const fs::filesystem_error& error) {
    report.problem = "cannot make the folder " + cache + ": " + error.code().message();
  }
  return data;
}

Ratings load_ratings(CacheFile& file) {
  Ratings ratings;
  ratings.user = file.take<uint32_t>();
  ratings.item = file.take<uint32_t>();
  ratings.value = file.take<float>();
  return ratings;
}

}  // namespace

RatingsSplit read_ratings_cached(const std::string& path, const RatingsOptions& options,
                                 const std::string& cache, const Runner& run, CacheUse* use) {
  const uint64_t what = mix(static_cast<uint64_t>(Kind::ratings), text_hash(absolute(path)));
  const uint64_t how = mix(options.max_id, options.fold_column,
                           options.fold_column ? static_cast<uint64_t>(options.test_fold) : 0);
  std::vector<uint32_t> sizes;
  return through_cache<RatingsSplit>(
      path, mix(what, how), cache, use, [&] { return read_ratings(path, options, run); },
      [](CacheFile& file) {
        const auto shape = file.take<uint32_t>();
        RatingsSplit split;
        split.train = load_ratings(file);
        split.test = load_ratings(file);
        split.train.users = split.test.users = shape.at(0);
        split.train.items = split.test.items = shape.at(1);
        return split;
      },
      [&](const RatingsSplit& split) {
        sizes = {split.train.users, split.train.items};
        std::vector<ByteSpan> arrays{bytes_of(sizes)};
        for (const Ratings* part : {&split.train, &split.test}) {
          arrays.push_back(bytes_of(part->user));
          arrays.push_back(bytes_of(part->item));
          arrays.push_back(bytes_of(part->value));
        }
        return arrays;
      });
}

LibsvmFile read_libsvm_cached(const std::string& path, const LibsvmOptions& options,
                              const std::string& cache, const Runner& run, CacheUse* use) {
  const uint64_t what = mix(static_cast<uint64_t>(Kind::libsvm), text_hash(absolute(path)));
  uint64_t how = mix(options.first_index, options.max_index, options.classify);
  if (options.classes) {
    how = mix(how, bits(options.classes->negative), bits(options.classes->positive));
  }
  std::vector<uint32_t> features;
  std::vector<Classes> classes;
  return through_cache<LibsvmFile>(
      path, mix(what, how), cache, use, [&] { return read_libsvm(path, options, run); },
      [](CacheFile& file) {
        LibsvmFile data;
        data.examples.features = file.take<uint32_t>().at(0);
        const auto kept = file.take<Classes>();
        if (!kept.empty()) data.classes = kept[0];
        data.examples.offset = file.take<uint64_t>();
        data.examples.index = file.take<uint32_t>();
        data.examples.value = file.take<float>();
        data.examples.label = file.take<float>();
        return data;
      },
      [&](const LibsvmFile& data) {
        features = {data.examples.features};
        if (data.classes) classes = {*data.classes};
        const SparseExamples& e = data.examples;
        return std::vector<ByteSpan>{bytes_of(features), bytes_of(classes), bytes_of(e.offset),
                                     bytes_of(e.index),  bytes_of(e.value), bytes_of(e.label)};
      });
}

}  // namespace hemiola

// How fast is text parsed, against a loop over the same bytes that only counts lines?
//
// One core; files in the page cache.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "bench/report.h"
#include "hemiola/data/cache.h"
#include "hemiola/data/synthetic.h"
#include "hemiola/data/write.h"

namespace hemiola::bench {
namespace {

constexpr int kRepeats = 3;

double best_seconds(const std::function<void()>& work) {
  double best = 1e9;
  for (int i = 0; i < kRepeats; ++i) {
    const double start = wall_seconds();
    work();
    best = std::min(best, wall_seconds() - start);
  }
  return best;
}

size_t count_lines(const std::string& text) {
  size_t lines = 0;
  const char* end = text.data() + text.size();
  for (const char* at = text.data(); at != end; ++lines) {
    const void* newline = std::memchr(at, '\n', static_cast<size_t>(end - at));
    at = newline ? static_cast<const char*>(newline) + 1 : end;
  }
  return lines;
}

void compare(const char* what, const std::string& path, const std::function<void()>& read) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto megabytes = static_cast<double>(text.size()) * 1e-6;
  size_t lines = 0;
  const double reference = best_seconds([&] {
    lines = count_lines(text);
    use(lines);
  });
  const double parsing = best_seconds(read);
  std::printf("%s: %.1f MB in %zu lines\n", what, megabytes, lines);
  result(std::string(what) + "_speed", megabytes / parsing, "MB/s", ">=300");
  result(std::string(what) + "_counting_lines", megabytes / reference, "MB/s");
  result(std::string(what) + "_over_counting", parsing / reference, "x");
}

void measure(const std::filesystem::path& folder) {
  const std::string ratings = folder / "ratings", clicks = folder / "clicks", dense = folder / "d";
  write_ratings(ratings, make_ratings({.ratings = 4'000'000}).split.train);
  write_libsvm(clicks, make_clicks({.rows = 300'000}).train);
  write_libsvm(dense, make_regression({.rows = 200'000}).train);
  compare("ratings", ratings, [&] { read_ratings(ratings); });
  compare("libsvm_ones", clicks, [&] { read_libsvm(clicks); });
  compare("libsvm_values", dense, [&] { read_libsvm(dense, {.classify = false}); });
  const std::string cache = folder / "cache";
  read_libsvm_cached(clicks, {}, cache);
  compare("libsvm_cached", clicks, [&] { read_libsvm_cached(clicks, {}, cache); });
}

}  // namespace
}  // namespace hemiola::bench

int main() {
  std::string folder = std::filesystem::temp_directory_path() / "hemiola-parse-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return 1;
  hemiola::bench::measure(folder);
  std::filesystem::remove_all(folder);
}

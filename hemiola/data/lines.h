// A text file as a row of chunks of whole lines that can be parsed independently and put
// together in order, by as many threads as the caller has.
//
// Nothing here starts a thread: a reader is given a Runner, and the train program's Runner spreads
// the tasks over its workers.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hemiola/data/source.h"

namespace hemiola {

// Does task(0) .. task(count - 1), in any order or at once, and returns when all are done.
// Tasks of this folder do not throw, and do not call the Runner again.
using Runner = std::function<void(size_t count, const std::function<void(size_t)>& task)>;

// One after the other in the calling thread.
void in_order(size_t count, const std::function<void(size_t)>& task);

// What is wrong in a chunk. `line` counts from 1 within it.
struct LineError {
  uint64_t line = 0;
  std::string text;  // "expected `user item rating`, found `abc`"
};

// The line that `at` is in, without its end, fit for a message: shortened, and what cannot be
// printed written as \x07.
std::string shown_line(std::string_view text, const char* at);
std::string shown(std::string_view piece);

// "file.txt:17: expected ..."
[[noreturn]] void throw_line_error(const std::string& path, uint64_t lines_before,
                                   const LineError& error);

// Bytes that are not cleared before they are filled.
class TextBuffer {
 public:
  std::string_view text() const { return {data_.get(), size_}; }
  char* end() { return data_.get() + size_; }
  size_t size() const { return size_; }
  void resize(size_t size) { size_ = size; }  // REQUIRES: reserved
  void reserve(size_t size);                  // keeps the content

 private:
  std::unique_ptr<char[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// Cuts a source at line ends, or for text of words also at blanks. Every chunk but the last ends
// with a newline, or a blank.
class Chunks {
 public:
  static constexpr size_t kChunkBytes = 512 << 10;
  static constexpr size_t kLongestLine = 64 << 20;
  enum class Cut : uint8_t { lines, words };

  explicit Chunks(std::string path, size_t chunk_bytes = kChunkBytes, Cut cut = Cut::lines);

  // The next chunk, in reused storage; false at the end. Throws as Source::read does, and when
  // a line (or word) passes kLongestLine, since that file is no text.
  bool next(TextBuffer& chunk);

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  size_t chunk_bytes_;
  Cut cut_;
  std::unique_ptr<Source> source_;
  std::string rest_;  // the begin of a line or word whose end is not read yet
};

// Some chunks, read while the ones before are parsed. A failure to read is kept, so that a
// broken line before it is told first.
struct Wave {
  std::vector<TextBuffer> chunks;
  size_t filled = 0;
  std::exception_ptr failure;

  void read_from(Chunks& from) noexcept;
};

// Parses the whole file. `parse(text, first, part)` fills a reused Part from a chunk, the file's
// first or not, and must not throw; Part has `uint64_t lines` and `std::optional<LineError> error`.
// `append(part)` is called in file order, in the calling thread. Gives the number of lines.
template <class Part, class Parse, class Append>
uint64_t parse_lines(Chunks& file, const Runner& run, Parse&& parse, Append&& append) {
  constexpr size_t kWidth = 8;
  Wave now{std::vector<TextBuffer>(kWidth)}, next{std::vector<TextBuffer>(kWidth)};
  std::vector<Part> parts(kWidth);
  uint64_t lines = 0;
  now.read_from(file);
  while (now.filled > 0) {
    run(now.filled + 1, [&](size_t task) {
      if (task == 0) {
        next.read_from(file);
      } else {
        parse(now.chunks[task - 1].text(), lines == 0 && task == 1, parts[task - 1]);
      }
    });
    for (size_t i = 0; i < now.filled; ++i) {
      if (parts[i].error) throw_line_error(file.path(), lines, *parts[i].error);
      append(parts[i]);
      lines += parts[i].lines;
    }
    if (now.failure) break;
    std::swap(now, next);
  }
  if (now.failure) std::rethrow_exception(now.failure);
  return lines;
}

}  // namespace hemiola

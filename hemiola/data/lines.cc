#include "hemiola/data/lines.h"

#include <algorithm>
#include <cstring>

#include "hemiola/core/check.h"

namespace hemiola {

void in_order(size_t count, const std::function<void(size_t)>& task) {
  for (size_t i = 0; i < count; ++i) task(i);
}

std::string shown(std::string_view piece) {
  constexpr size_t kShown = 60;
  constexpr char kHex[] = "0123456789abcdef";
  std::string out = "`";
  for (const char c : piece.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\t') {
      out += ' ';
    } else if (byte >= 0x20 && byte < 0x7F) {
      out += c;
    } else {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  if (piece.size() > kShown) out += "...";
  return out + "`";
}

std::string shown_line(std::string_view text, const char* at) {
  const size_t here = static_cast<size_t>(at - text.data());
  const size_t before = here == 0 ? std::string_view::npos : text.rfind('\n', here - 1);
  const size_t begin = before == std::string_view::npos ? 0 : before + 1;
  std::string_view line = text.substr(begin, text.find('\n', here) - begin);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return shown(line);
}

void throw_line_error(const std::string& path, uint64_t lines_before, const LineError& error) {
  throw UserError(path + ":" + std::to_string(lines_before + error.line) + ": " + error.text);
}

void TextBuffer::reserve(size_t size) {
  if (size <= capacity_) return;
  auto larger = std::make_unique_for_overwrite<char[]>(size);
  if (size_ > 0) std::memcpy(larger.get(), data_.get(), size_);
  data_ = std::move(larger);
  capacity_ = size;
}

Chunks::Chunks(std::string path, size_t chunk_bytes, Cut cut)
    : path_(std::move(path)), chunk_bytes_(chunk_bytes), cut_(cut), source_(open_source(path_)) {}

bool Chunks::next(TextBuffer& chunk) {
  size_t wanted = std::max(chunk_bytes_, 2 * rest_.size());
  chunk.reserve(wanted);
  std::memcpy(chunk.end() - chunk.size(), rest_.data(), rest_.size());
  chunk.resize(rest_.size());
  rest_.clear();
  size_t searched = 0;  // there is no newline before this place
  for (;;) {
    while (chunk.size() < wanted) {
      const size_t got = source_->read(chunk.end(), wanted - chunk.size());
      if (got == 0) return chunk.size() > 0;
      chunk.resize(chunk.size() + got);
    }
    const std::string_view text = chunk.text();
    const std::string_view fresh = text.substr(searched);
    const size_t last = cut_ == Cut::lines ? fresh.rfind('\n') : fresh.find_last_of(" \t\n\r");
    if (last != std::string_view::npos) {
      const size_t whole = searched + last + 1;
      rest_ = text.substr(whole);
      chunk.resize(whole);
      return true;
    }
    if (text.size() >= kLongestLine) {
      throw UserError(path_ +
                      (cut_ == Cut::lines ? " has a line of over " : " has a word of over ") +
                      std::to_string(kLongestLine >> 20) +
                      " MB: is it a text file? It begins with " + shown(text.substr(0, 20)));
    }
    searched = text.size();
    wanted = 2 * wanted;
    chunk.reserve(wanted);
  }
}

void Wave::read_from(Chunks& from) noexcept {
  filled = 0;
  failure = nullptr;
  try {
    while (filled < chunks.size() && from.next(chunks[filled])) ++filled;
  } catch (...) {
    failure = std::current_exception();
  }
}

}  // namespace hemiola

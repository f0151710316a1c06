#include "hemiola/data/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "hemiola/core/check.h"
#include "hemiola/data/json.h"

namespace hemiola {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are written as they stand");

constexpr std::string_view kMetadata = "__metadata__";
constexpr uint64_t kLongestHeader = 100'000'000;  // as in the format's own reader
constexpr size_t kAlign = 64;                     // of the data within the file
constexpr size_t kBufferBytes = 1 << 20;

struct NamedType {
  std::string_view name;
  uint64_t bytes;
};
// Types of the format, with those that are known here first, in order of DType.
constexpr NamedType kTypes[] = {{"F32", 4},  {"U32", 4},     {"BOOL", 1}, {"U8", 1},
                                {"I8", 1},   {"F8_E5M2", 1}, {"F16", 2},  {"F8_E4M3", 1},
                                {"BF16", 2}, {"I16", 2},     {"U16", 2},  {"I32", 4},
                                {"F64", 8},  {"I64", 8},     {"U64", 8}};

std::string header_text(const std::vector<TensorInfo>& tensors, const TextPairs& metadata) {
  Json::Object header;
  if (!metadata.empty()) {
    Json::Object texts;
    for (const auto& [key, text] : metadata) texts.emplace_back(key, text);
    header.emplace_back(kMetadata, std::move(texts));
  }
  uint64_t at = 0;
  for (const TensorInfo& t : tensors) {
    Json::Array shape;
    for (const uint64_t n : t.shape) shape.emplace_back(n);
    Json::Object entry;
    entry.emplace_back("dtype", kTypes[static_cast<size_t>(t.dtype)].name);
    entry.emplace_back("shape", std::move(shape));
    entry.emplace_back("data_offsets", Json::Array{at, at + t.bytes()});
    header.emplace_back(t.name, std::move(entry));
    at += t.bytes();
  }
  std::string text = to_text(header);
  while ((text.size() + 8) % kAlign != 0) text += ' ';
  return text;
}

// A tensor as the header has it.
struct Entry {
  std::string name;
  NamedType type;
  std::vector<uint64_t> shape;
  uint64_t begin = 0, end = 0;
};

// Empty: the entry is right; else what is wrong with it.
std::string read_shape(const Json* json, const NamedType& type, Entry& entry) {
  const Json::Array* shape = json ? json->array() : nullptr;
  if (!shape) return "has no `shape`";
  uint64_t bytes = type.bytes;
  for (const Json& n : *shape) {
    uint64_t count = 0;
    if (!n.whole(count)) return "has a `shape` that is not made of whole numbers";
    if (__builtin_mul_overflow(bytes, count, &bytes)) return "has a `shape` that is too large";
    entry.shape.push_back(count);
  }
  if (bytes != entry.end - entry.begin) {
    return "has " + std::to_string(entry.end - entry.begin) + " bytes, but its shape asks for " +
           std::to_string(bytes);
  }
  return {};
}

std::string read_entry(const Json& json, uint64_t data_bytes, Entry& entry) {
  const Json* dtype = json.find("dtype");
  if (!dtype || !dtype->text()) return "has no `dtype`";
  const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const NamedType& t) { return t.name == *dtype->text(); });
  if (type == std::end(kTypes)) return "has the unknown dtype `" + *dtype->text() + "`";
  entry.type = *type;
  const Json* offsets = json.find("data_offsets");
  const Json::Array* pair = offsets ? offsets->array() : nullptr;
  if (!pair || pair->size() != 2 || !(*pair)[0].whole(entry.begin) ||
      !(*pair)[1].whole(entry.end)) {
    return "has no `data_offsets` of two whole numbers";
  }
  if (entry.begin > entry.end || entry.end > data_bytes) {
    return "has data from byte " + std::to_string(entry.begin) + " to " +
           std::to_string(entry.end) + ", but the file has " + std::to_string(data_bytes) +
           " bytes of data";
  }
  return read_shape(json.find("shape"), *type, entry);
}

// In order of their places tensors must cover the data. Empty: they do.
std::string gap_or_overlap(const std::vector<Entry>& entries, uint64_t data_bytes) {
  std::vector<const Entry*> order;
  for (const Entry& e : entries) order.push_back(&e);
  std::sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  uint64_t at = 0;
  for (const Entry* e : order) {
    if (e->begin < at) return "the data of tensor `" + e->name + "` overlap with another tensor's";
    if (e->begin > at) return "there is a gap before the data of tensor `" + e->name + "`";
    at = e->end;
  }
  if (at == data_bytes) return {};
  return "it has " + std::to_string(data_bytes) + " bytes of data, but its tensors end at byte " +
         std::to_string(at);
}

}  // namespace

uint32_t crc32(std::span<const std::byte> bytes, uint32_t before) {
  return static_cast<uint32_t>(
      ::crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

uint64_t TensorInfo::bytes() const {
  uint64_t bytes = 4;
  for (const uint64_t n : shape) bytes *= n;
  return bytes;
}

SafetensorsWriter::SafetensorsWriter(std::string path, const std::vector<TensorInfo>& tensors,
                                     const TextPairs& metadata, const FileStore& store)
    : file_(std::move(path), store) {
  buffer_.reserve(kBufferBytes);
  const std::string header = header_text(tensors, metadata);
  HEMIOLA_CHECK(header.size() <= kLongestHeader);
  expected_ = sizeof(uint64_t) + header.size();
  for (const TensorInfo& t : tensors) expected_ += t.bytes();
  const uint64_t length = header.size();
  write(std::as_bytes(std::span(&length, 1)));
  write(std::as_bytes(std::span(header)));
}

void SafetensorsWriter::write(std::span<const std::byte> data) {
  HEMIOLA_CHECK(bytes_ + data.size() <= expected_);
  bytes_ += data.size();
  while (!data.empty()) {
    if (buffer_.size() == kBufferBytes) drain();
    const size_t n = std::min(data.size(), kBufferBytes - buffer_.size());
    buffer_.insert(buffer_.end(), data.begin(), data.begin() + static_cast<ptrdiff_t>(n));
    data = data.subspan(n);
  }
}

void SafetensorsWriter::drain() {
  crc_ = hemiola::crc32(buffer_, crc_);
  file_.write(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void SafetensorsWriter::finish() {
  if (finished_) return;
  HEMIOLA_CHECK(bytes_ == expected_);
  drain();
  buffer_.shrink_to_fit();
  file_.sync();
  finished_ = true;
}

void SafetensorsWriter::commit() {
  finish();
  file_.commit();
}

SafetensorsFile::SafetensorsFile(std::string path) : path_(std::move(path)) {
  map();
  try {
    read_header();
  } catch (...) {
    ::munmap(const_cast<std::byte*>(map_), size_);
    throw;
  }
}

SafetensorsFile::~SafetensorsFile() { ::munmap(const_cast<std::byte*>(map_), size_); }

void SafetensorsFile::fail(const std::string& what) const {
  throw UserError(path_ + " is no safetensors file that can be read: " + what);
}

void SafetensorsFile::map() {
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const auto refuse = [&](const std::string& why) {
    if (fd >= 0) ::close(fd);
    throw UserError("cannot read " + path_ + ": " + why);
  };
  if (fd < 0) refuse(std::generic_category().message(errno));
  struct stat info {};
  if (::fstat(fd, &info) != 0) refuse(std::generic_category().message(errno));
  if (!S_ISREG(info.st_mode)) refuse("it is no regular file");
  size_ = static_cast<uint64_t>(info.st_size);
  if (size_ < 8) refuse("it has only " + std::to_string(size_) + " bytes");
  void* map = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
  if (map == MAP_FAILED) refuse(std::generic_category().message(errno));
  ::close(fd);
  map_ = static_cast<const std::byte*>(map);
}

void SafetensorsFile::read_header() {
  uint64_t length = 0;
  std::memcpy(&length, map_, sizeof length);
  if (length > kLongestHeader) {
    fail("its header would have " + std::to_string(length) + " bytes, more than " +
         std::to_string(kLongestHeader));
  }
  if (length > size_ - 8) {
    fail("its header would have " + std::to_string(length) + " bytes, the file has " +
         std::to_string(size_));
  }
  data_begin_ = 8 + length;
  const std::string_view text(reinterpret_cast<const char*>(map_) + 8, length);
  if (!text.starts_with('{')) fail("its header does not begin with `{`");
  const Json header = parse_json(text, path_ + " is no safetensors file that can be read");
  const uint64_t data_bytes = size_ - data_begin_;
  std::vector<Entry> entries;
  for (const auto& [name, json] : *header.object()) {
    if (name == kMetadata) {
      if (!json.object()) fail("its `__metadata__` is no object");
      for (const auto& [key, value] : *json.object()) {
        if (!value.text()) fail("its `__metadata__` holds something that is no text");
        metadata_[key] = *value.text();
      }
      continue;
    }
    Entry entry;
    entry.name = name;
    if (const auto wrong = read_entry(json, data_bytes, entry); !wrong.empty()) {
      fail("tensor `" + name + "` " + wrong);
    }
    entries.push_back(std::move(entry));
  }
  if (const auto wrong = gap_or_overlap(entries, data_bytes); !wrong.empty()) fail(wrong);
  for (Entry& e : entries) {
    for (const DType known : {DType::f32, DType::u32}) {
      if (kTypes[static_cast<size_t>(known)].name != e.type.name) continue;
      tensors_.push_back({std::move(e.name), known, std::move(e.shape)});
      begin_.push_back(e.begin);
    }
  }
}

uint32_t SafetensorsFile::crc32() const { return hemiola::crc32({map_, size_}); }

const TensorInfo* SafetensorsFile::find(std::string_view name) const {
  for (const TensorInfo& t : tensors_) {
    if (t.name == name) return &t;
  }
  return nullptr;
}

const TensorInfo& SafetensorsFile::tensor(std::string_view name, DType dtype,
                                          size_t dimensions) const {
  const TensorInfo* found = find(name);
  const std::string quoted = "tensor `" + std::string(name) + "`";
  if (!found) fail(quoted + " is missing, or of a type that is not read here");
  if (found->dtype != dtype) {
    fail(quoted + " holds " + std::string(kTypes[static_cast<size_t>(found->dtype)].name) +
         " where " + std::string(kTypes[static_cast<size_t>(dtype)].name) + " is expected");
  }
  if (found->shape.size() != dimensions) {
    fail(quoted + " has " + std::to_string(found->shape.size()) + " dimensions, not " +
         std::to_string(dimensions));
  }
  return *found;
}

std::span<const std::byte> SafetensorsFile::data(const TensorInfo& tensor) const {
  const auto index = static_cast<size_t>(&tensor - tensors_.data());
  HEMIOLA_CHECK(index < tensors_.size());
  return {map_ + data_begin_ + begin_[index], tensor.bytes()};
}

}  // namespace hemiola

#include "hemiola/data/source.h"

#include <bzlib.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

constexpr size_t kPackedBytes = 256 << 10;

std::string why(int error) { return std::generic_category().message(error); }

class PlainFile : public Source {
 public:
  explicit PlainFile(const std::string& path) : path_(path) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) throw UserError("cannot open " + path + ": " + why(errno));
    struct stat info {};
    if (::fstat(fd_, &info) == 0 && S_ISDIR(info.st_mode)) {
      ::close(fd_);
      throw UserError(path + " is a directory; a file is wanted");
    }
  }
  ~PlainFile() override { ::close(fd_); }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;

  size_t read(char* into, size_t room) override {
    if (peeked_at_ < peeked_.size()) {
      const size_t n = peeked_.copy(into, room, peeked_at_);
      peeked_at_ += n;
      return n;
    }
    for (;;) {
      const ssize_t n = ::read(fd_, into, room);
      if (n >= 0) return static_cast<size_t>(n);
      if (errno != EINTR) throw UserError("cannot read " + path_ + ": " + why(errno));
    }
  }

  // The first bytes; they will still be read. Works on pipes too.
  std::string_view peek(size_t size) {
    std::string head(size, '\0');
    size_t got = 0;
    while (got < size) {
      const size_t n = read(head.data() + got, size - got);
      if (n == 0) break;
      got += n;
    }
    head.resize(got);
    peeked_ = std::move(head);
    peeked_at_ = 0;
    return peeked_;
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int fd_ = -1;
  std::string peeked_;
  size_t peeked_at_ = 0;
};

// What the three decoders share: packed input by pieces, streams one after the other, and the
// difference between a file that is damaged and one that ends too early.
class PackedFile : public Source {
 public:
  explicit PackedFile(std::unique_ptr<PlainFile> file)
      : file_(std::move(file)), packed_(kPackedBytes) {}

  size_t read(char* into, size_t room) final {
    for (;;) {
      if (at_ == end_ && !refill()) {
        if (inside_) throw UserError(path() + " ends in the middle of the compressed data");
        return 0;
      }
      if (!inside_) begin();
      const size_t written = decode(into, room);
      if (written > 0) return written;
    }
  }

 protected:
  // Starts a new stream; the decoder takes its first bytes from at_.
  virtual void begin() = 0;
  // Consumes from at_ up to end_, clears inside_ at a stream's end, says how much it wrote.
  virtual size_t decode(char* into, size_t room) = 0;

  [[noreturn]] void damaged(const std::string& what) const {
    throw UserError(path() + " is damaged: its compressed data cannot be decoded (" + what + ")");
  }
  const std::string& path() const { return file_->path(); }

  bool inside_ = false;
  char* at_ = nullptr;
  char* end_ = nullptr;

 private:
  bool refill() {
    at_ = packed_.data();
    end_ = at_ + file_->read(at_, packed_.size());
    return at_ != end_;
  }

  std::unique_ptr<PlainFile> file_;
  std::vector<char> packed_;
};

class GzipFile : public PackedFile {
 public:
  explicit GzipFile(std::unique_ptr<PlainFile> file) : PackedFile(std::move(file)) {
    HEMIOLA_CHECK(inflateInit2(&zip_, 15 + 16) == Z_OK);
  }
  ~GzipFile() override { inflateEnd(&zip_); }

 protected:
  void begin() override {
    inflateReset(&zip_);
    inside_ = true;
  }

  size_t decode(char* into, size_t room) override {
    zip_.next_in = reinterpret_cast<Bytef*>(at_);
    zip_.avail_in = static_cast<uInt>(end_ - at_);
    zip_.next_out = reinterpret_cast<Bytef*>(into);
    zip_.avail_out = static_cast<uInt>(std::min<size_t>(room, 1 << 30));
    const uInt had = zip_.avail_out;
    const int result = inflate(&zip_, Z_NO_FLUSH);
    at_ = end_ - zip_.avail_in;
    if (result == Z_STREAM_END) {
      inside_ = false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      damaged(zip_.msg ? zip_.msg : "gzip");
    }
    return had - zip_.avail_out;
  }

 private:
  z_stream zip_{};
};

class ZstdFile : public PackedFile {
 public:
  explicit ZstdFile(std::unique_ptr<PlainFile> file)
      : PackedFile(std::move(file)), zip_(ZSTD_createDStream(), ZSTD_freeDStream) {
    HEMIOLA_CHECK(zip_ != nullptr);
  }

 protected:
  void begin() override {
    ZSTD_initDStream(zip_.get());
    inside_ = true;
  }

  size_t decode(char* into, size_t room) override {
    ZSTD_inBuffer in{at_, static_cast<size_t>(end_ - at_), 0};
    ZSTD_outBuffer out{into, room, 0};
    const size_t result = ZSTD_decompressStream(zip_.get(), &out, &in);
    if (ZSTD_isError(result)) damaged(ZSTD_getErrorName(result));
    at_ += in.pos;
    if (result == 0) inside_ = false;
    return out.pos;
  }

 private:
  std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> zip_;
};

class Bzip2File : public PackedFile {
 public:
  using PackedFile::PackedFile;
  ~Bzip2File() override {
    if (open_) BZ2_bzDecompressEnd(&zip_);
  }

 protected:
  void begin() override {
    if (open_) BZ2_bzDecompressEnd(&zip_);
    zip_ = {};
    HEMIOLA_CHECK(BZ2_bzDecompressInit(&zip_, 0, 0) == BZ_OK);
    open_ = inside_ = true;
  }

  size_t decode(char* into, size_t room) override {
    zip_.next_in = at_;
    zip_.avail_in = static_cast<unsigned>(end_ - at_);
    zip_.next_out = into;
    zip_.avail_out = static_cast<unsigned>(std::min<size_t>(room, 1 << 30));
    const unsigned had = zip_.avail_out;
    const int result = BZ2_bzDecompress(&zip_);
    at_ = end_ - zip_.avail_in;
    if (result == BZ_STREAM_END) {
      inside_ = false;
    } else if (result != BZ_OK) {
      damaged(result == BZ_DATA_ERROR_MAGIC ? "no bzip2 header" : "bzip2 check failed");
    }
    return had - zip_.avail_out;
  }

 private:
  bz_stream zip_{};
  bool open_ = false;
};

void refuse_unknown_packing(const std::string& path, std::string_view head) {
  const auto begins = [&](std::string_view magic) { return head.starts_with(magic); };
  const char* tool = nullptr;
  if (begins("\xFD"
             "7zXZ"))
    tool = "xz (unpack it with `xz -d`)";
  if (begins("PK\x03\x04")) tool = "zip (unpack it with `unzip`)";
  if (begins("\x04\x22\x4D\x18")) tool = "lz4 (unpack it with `lz4 -d`)";
  if (tool) {
    throw UserError(path + " is packed with " + tool +
                    "; plain text, .gz, .zst and .bz2 are read as they are");
  }
}

}  // namespace

Packing packing_of(std::string_view head) {
  if (head.starts_with("\x1F\x8B")) return Packing::gzip;
  if (head.starts_with("\x28\xB5\x2F\xFD")) return Packing::zstd;
  if (head.starts_with("BZh") && head.size() > 3 && head[3] >= '1' && head[3] <= '9') {
    return Packing::bzip2;
  }
  return Packing::none;
}

std::unique_ptr<Source> open_source(const std::string& path) {
  auto file = std::make_unique<PlainFile>(path);
  const std::string_view head = file->peek(8);
  refuse_unknown_packing(path, head);
  switch (packing_of(head)) {
    case Packing::gzip:
      return std::make_unique<GzipFile>(std::move(file));
    case Packing::zstd:
      return std::make_unique<ZstdFile>(std::move(file));
    case Packing::bzip2:
      return std::make_unique<Bzip2File>(std::move(file));
    case Packing::none:
      break;
  }
  return file;
}

}  // namespace hemiola

// A disk that fails, or stops, at a chosen call; and that loses, when the power goes, what nobody
// has synced. On top of the real one, in a folder of the test's own; the real one syncs nothing,
// which takes most of the time of such tests.
#pragma once

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "hemiola/core/check.h"
#include "hemiola/core/random.h"
#include "hemiola/data/file_store.h"

namespace hemiola::test {

enum class Fault : uint8_t {
  none,
  crash,  // the call is not made, a write half, and none after it: whoever calls is as good as dead
  full,   // the call fails with ENOSPC, a write when it is half done; those after it go well
  stays_full,
};

// Calls that change the disk are counted from 0.
// Thread safety: all calls from any thread.
class FaultyDisk final : public FileStore {
 public:
  struct Plan {
    uint64_t at = UINT64_MAX;
    Fault fault = Fault::none;
    uint64_t seed = 1;                  // of what lose_power() loses
    std::chrono::milliseconds slow{0};  // that each write and each sync takes
  };

  explicit FaultyDisk(Plan plan) : plan_(plan), random_(mix(plan.seed, plan.at)) {}

  uint64_t calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

  int create(const std::string& path, std::unique_ptr<File>& file) const override {
    const std::lock_guard lock(mutex_);
    if (const int error = step(); error != 0) return error;
    std::unique_ptr<File> real;
    if (const int error = disk().create(path, real); error != 0) return error;
    unsynced_[path] = 0;
    undo_in(path, [path] { std::filesystem::remove(path); });
    file = std::make_unique<FaultyFile>(*this, path, std::move(real));
    return 0;
  }

  int rename(const std::string& from, const std::string& to) const override {
    const std::lock_guard lock(mutex_);
    if (const int error = step(); error != 0) return error;
    const std::string old = content(to);
    const bool replaces = std::filesystem::exists(to);
    if (const int error = disk().rename(from, to); error != 0) return error;
    if (auto node = unsynced_.extract(from)) {
      node.key() = to;
      unsynced_.insert(std::move(node));
    }
    undo_in(to, [this, from, to, old, replaces] {
      if (!std::filesystem::exists(to)) return;
      std::filesystem::rename(to, from);
      unsynced_.erase(to);
      if (replaces) std::ofstream(to, std::ios::binary) << old;
    });
    return 0;
  }

  int remove(const std::string& path) const override {
    const std::lock_guard lock(mutex_);
    if (const int error = step(); error != 0) return error;
    const bool folder = std::filesystem::is_directory(path);
    const std::string old = folder ? "" : content(path);
    if (const int error = disk().remove(path); error != 0) return error;
    undo_in(path, [path, folder, old] {
      if (folder) {
        std::filesystem::create_directory(path);
      } else {
        std::ofstream(path, std::ios::binary) << old;
      }
    });
    return 0;
  }

  int make_folder(const std::string& path) const override {
    const std::lock_guard lock(mutex_);
    if (const int error = step(); error != 0) return error;
    if (const int error = disk().make_folder(path); error != 0) return error;
    undo_in(path, [path] { std::filesystem::remove_all(path); });
    return 0;
  }

  int sync_folder(const std::string& path) const override {
    const std::lock_guard lock(mutex_);
    if (const int error = step(); error != 0) return error;
    undo_.erase(key_of(path));
    return std::filesystem::is_directory(path) ? 0 : ENOENT;
  }

  // Of the names that were not synced the last ones are gone, of bytes that were not some end.
  void lose_power() const {
    const std::lock_guard lock(mutex_);
    for (const auto& [path, synced] : unsynced_) {
      if (!std::filesystem::is_regular_file(path)) continue;
      const auto size = std::filesystem::file_size(path);
      std::filesystem::resize_file(path, synced + random_.below(size - synced + 1));
    }
    for (auto& [folder, steps] : undo_) {
      const size_t lost = random_.below(steps.size() + 1);
      for (size_t i = 0; i < lost; ++i) {
        steps.back()();
        steps.pop_back();
      }
    }
    undo_.clear();
    unsynced_.clear();
  }

 private:
  class FaultyFile final : public File {
   public:
    FaultyFile(const FaultyDisk& owner, std::string path, std::unique_ptr<File> real)
        : owner_(owner), path_(std::move(path)), real_(std::move(real)) {}

    int write(std::span<const std::byte> bytes) override {
      std::this_thread::sleep_for(owner_.plan_.slow);
      const std::lock_guard lock(owner_.mutex_);
      const bool was_dead = owner_.dead_;
      const int error = owner_.step();
      if (error != 0 && !was_dead) half(bytes);
      return error != 0 ? error : real_->write(bytes);
    }
    int sync() override {
      std::this_thread::sleep_for(owner_.plan_.slow);
      const std::lock_guard lock(owner_.mutex_);
      if (const int error = owner_.step(); error != 0) return error;
      owner_.unsynced_.erase(path_);
      real_.reset();
      return 0;
    }

   private:
    void half(std::span<const std::byte> bytes) {
      HEMIOLA_CHECK(real_->write(bytes.first(bytes.size() / 2)) == 0);
    }

    const FaultyDisk& owner_;
    const std::string path_;
    std::unique_ptr<File> real_;
  };

  int step() const {
    if (dead_) return EIO;
    const uint64_t call = calls_++;
    const bool hit = plan_.fault == Fault::stays_full ? call >= plan_.at : call == plan_.at;
    if (!hit || plan_.fault == Fault::none) return 0;
    if (plan_.fault != Fault::crash) return ENOSPC;
    dead_ = true;
    return EIO;
  }

  static std::string key_of(const std::string& folder) {
    return std::filesystem::weakly_canonical(folder).string();
  }
  void undo_in(const std::string& path, std::function<void()> undo) const {
    const std::string folder = std::filesystem::path(path).parent_path();
    undo_[key_of(folder.empty() ? "." : folder)].push_back(std::move(undo));
  }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const Plan plan_;
  mutable std::mutex mutex_;
  mutable Random random_;
  mutable uint64_t calls_ = 0;
  mutable bool dead_ = false;
  mutable std::map<std::string, uint64_t> unsynced_;  // files: bytes that are safe
  mutable std::map<std::string, std::vector<std::function<void()>>> undo_;  // by folder
};

}  // namespace hemiola::test

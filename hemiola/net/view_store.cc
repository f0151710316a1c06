#include "hemiola/net/view_store.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "hemiola/core/check.h"
#include "hemiola/core/wire.h"
#include "hemiola/net/socket.h"

namespace hemiola::net {
namespace {

using std::chrono::steady_clock;

constexpr size_t kMostBytes = size_t{16} << 20;
constexpr int kRetryMs = 100;
// It may be about to begin, or to begin again.
constexpr auto kPatience = std::chrono::seconds(1);

// Both ways: a length, then the epoch that is to be followed (of a view that is only told: its
// own), then the view.
Bytes frame(Epoch after, const View& view) {
  const Bytes body = encode_view(view);
  Writer out(16 + body.size());
  out.put(static_cast<uint32_t>(sizeof after + body.size())).put(after);
  std::memcpy(out.skip(body.size()), body.data(), body.size());
  return std::move(out).take();
}

struct Told {
  Epoch after;
  View view;
};

// Frames out of a stream of bytes.
class Inbox {
 public:
  // False: the other end is gone, or sends nonsense.
  bool read_from(int fd, const std::function<void(Told)>& take) {
    std::array<char, 4096> some;
    for (;;) {
      const ssize_t n = ::recv(fd, some.data(), some.size(), MSG_DONTWAIT);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return errno == EAGAIN && take_all(take);
      if (n == 0) return false;
      bytes_.append(some.data(), static_cast<size_t>(n));
    }
  }

 private:
  bool take_all(const std::function<void(Told)>& take) {
    for (;;) {
      uint32_t size = 0;
      if (bytes_.size() < sizeof size) return true;
      std::memcpy(&size, bytes_.data(), sizeof size);
      if (size < sizeof(Epoch) || size > kMostBytes) return false;
      if (bytes_.size() < sizeof size + size) return true;
      const Bytes body = Bytes::copy_of(std::string_view(bytes_).substr(sizeof size, size));
      bytes_.erase(0, sizeof size + size);
      const auto view = decode_view(body.slice(sizeof(Epoch), size - sizeof(Epoch)));
      if (!view) return false;
      take({Reader(body).get<Epoch>(), *view});
    }
  }

  std::string bytes_;
};

bool send_all(int fd, const Bytes& bytes) {
  size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    sent += static_cast<size_t>(n);
  }
  return true;
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw UserError("the path of the keeper of views is too long: " + path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

// A thread that holds a connection to the service, and makes it again.
class ServiceClient final : public ViewStore {
 public:
  explicit ServiceClient(const std::string& path)
      : address_(address_of(path)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  ~ServiceClient() override {
    ended_ = true;
    kick();
    if (thread_.joinable()) thread_.join();
  }

  void start(std::function<void(Event)> tell) override {
    tell_ = std::move(tell);
    thread_ = std::thread([this] { run(); });
  }

  void propose(Outbox::Proposal proposal) override {
    {
      const std::lock_guard lock(mutex_);
      proposals_.push_back(std::move(proposal));
    }
    kick();
  }

 private:
  void kick() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(wake_.get(), &one, sizeof one);
  }

  void run() {
    std::optional<steady_clock::time_point> away_since;
    bool lost = false;
    while (!ended_) {
      Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const auto* address = reinterpret_cast<const sockaddr*>(&address_);
      std::string why;
      if (socket && ::connect(socket.get(), address, sizeof address_) == 0) {
        away_since.reset();
        lost = false;
        talk(socket.get());
        why = "its process has ended";
      } else {
        why = system_text(errno);
      }
      if (ended_) return;
      if (!away_since) away_since = steady_clock::now();
      if (steady_clock::now() >= *away_since + kPatience) {
        if (!std::exchange(lost, true)) tell_(StoreLost{why});
        take_proposals();  // nobody can hear them
      }
      pollfd wake{wake_.get(), POLLIN, 0};
      ::poll(&wake, 1, kRetryMs);
      calm_down();
    }
  }

  void calm_down() const {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t n = ::read(wake_.get(), &count, sizeof count);
  }

  std::vector<Outbox::Proposal> take_proposals() {
    calm_down();
    const std::lock_guard lock(mutex_);
    return std::exchange(proposals_, {});
  }

  // Until the connection ends. The service says what it holds as soon as it is connected to.
  void talk(int socket) {
    Inbox inbox;
    while (!ended_) {
      for (const auto& proposal : take_proposals()) {
        if (!send_all(socket, frame(proposal.after, proposal.view))) return;
      }
      std::array<pollfd, 2> fds{{{socket, POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
      ::poll(fds.data(), fds.size(), -1);
      if (fds[0].revents == 0) continue;
      if (!inbox.read_from(socket, [this](const Told& t) { tell_(ViewStored{t.view}); })) return;
    }
  }

  const sockaddr_un address_;
  const Fd wake_;
  std::function<void(Event)> tell_;
  std::thread thread_;
  std::atomic<bool> ended_{false};
  std::mutex mutex_;
  std::vector<Outbox::Proposal> proposals_;
};

class Service {
 public:
  explicit Service(const std::string& path) : file_(view_file(path)) {
    const sockaddr_un address = address_of(path);
    ::unlink(path.c_str());
    listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto* where = reinterpret_cast<const sockaddr*>(&address);
    if (!listener_ || ::bind(listener_.get(), where, sizeof address) != 0 ||
        ::listen(listener_.get(), 128) != 0) {
      throw UserError("cannot keep views at " + path + ": " + system_text(errno));
    }
    view_ = view_kept_at(path).value_or(View{});
  }

  [[noreturn]] void run() {
    for (;;) {
      std::vector<pollfd> fds{{listener_.get(), POLLIN, 0}};
      for (const auto& [fd, client] : clients_) fds.push_back({fd, POLLIN, 0});
      ::poll(fds.data(), fds.size(), -1);
      if (fds[0].revents != 0) accept_all();
      for (size_t i = 1; i < fds.size(); ++i) {
        if (fds[i].revents != 0) hear(fds[i].fd);
      }
    }
  }

 private:
  struct Client {
    Fd fd;
    Inbox inbox;
  };

  void accept_all() {
    for (;;) {
      Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd) return;
      if (!send_all(fd.get(), frame(view_.epoch, view_))) continue;
      const int number = fd.get();
      clients_[number].fd = std::move(fd);
    }
  }

  void hear(int fd) {
    const bool lives = clients_[fd].inbox.read_from(fd, [&](const Told& told) {
      if (told.after != view_.epoch || told.view.epoch <= told.after) {
        send_all(fd, frame(view_.epoch, view_));
        return;
      }
      if (!remember(told.view)) return;  // it stays as it was; who asked asks again
      view_ = told.view;
      const Bytes news = frame(view_.epoch, view_);
      for (const auto& [number, client] : clients_) send_all(number, news);
    });
    if (!lives) clients_.erase(fd);
  }

  // Whole or not at all, before anybody is told.
  bool remember(const View& view) const {
    const std::string draft = file_ + ".new";
    const Bytes bytes = encode_view(view);
    std::ofstream out(draft, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
    out.close();
    std::error_code error;
    if (out) std::filesystem::rename(draft, file_, error);
    return out && !error;
  }

  const std::string file_;
  Fd listener_;
  View view_;
  std::map<int, Client> clients_;
};

}  // namespace

std::unique_ptr<ViewStore> view_service_at(const std::string& path) {
  return std::make_unique<ServiceClient>(path);
}

std::string view_file(const std::string& path) { return path + ".view"; }

std::optional<View> view_kept_at(const std::string& path) {
  std::ifstream in(view_file(path), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  return decode_view(Bytes::copy_of(bytes));
}

void serve_views(const std::string& path) { Service(path).run(); }

}  // namespace hemiola::net

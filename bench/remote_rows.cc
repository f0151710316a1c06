// What do rows of another node cost? One process asks, another owns: pulls and pushes of 1000
// random rows of 32 floats (and of 64 floats, one row), 1 and 8 requests under way, with the CPU
// time of both processes per key. The reference is a bare Unix socket that carries the same bytes.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "bench/processes.h"
#include "bench/report.h"
#include "hemiola/core/random.h"

namespace hemiola::bench {
namespace {

constexpr uint32_t kRows = 2'000'000;  // half of them owned by the other process

struct Case {
  const char* name;
  size_t keys;
  uint32_t length;
  size_t window;
  bool push;
  size_t requests;
};

void read_all(int fd, char* to, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t n = read(fd, to + done, size - done);
    if (n <= 0) std::_Exit(1);
    done += size_t(n);
  }
}

void write_all(int fd, const char* from, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t n = write(fd, from + done, size - done);
    if (n <= 0) std::_Exit(1);
    done += size_t(n);
  }
}

// Requests a second that a bare socket pair carries, one under way, with bodies of these sizes.
double bare_requests_per_second(size_t ask, size_t answer, size_t requests) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) std::exit(1);
  if (fork() == 0) {
    std::vector<char> in(ask), out(answer, 1);
    for (size_t i = 0; i < requests; ++i) {
      read_all(ends[1], in.data(), ask);
      write_all(ends[1], out.data(), answer);
    }
    std::_Exit(0);
  }
  std::vector<char> out(ask, 1), in(answer);
  const double start = wall_seconds();
  for (size_t i = 0; i < requests; ++i) {
    write_all(ends[0], out.data(), ask);
    read_all(ends[0], in.data(), answer);
  }
  const double seconds = wall_seconds() - start;
  wait(nullptr);
  close(ends[0]), close(ends[1]);
  return double(requests) / seconds;
}

// Runs in node 0; the rows are node 1's: odd keys.
void ask(WorkerPort& port, TableSet& tables, const Case& c, std::span<double> figures) {
  Client client(tables, port);
  const TableId table{0};
  Random random(3);
  std::vector<std::vector<Key>> keys(c.window);
  std::vector<std::vector<float>> rows(c.window, std::vector<float>(c.keys * c.length, 1e-6f));
  std::vector<Client::Ticket> tickets(c.window);
  const auto draw = [&](std::vector<Key>& into) {
    into.resize(c.keys);
    for (Key& key : into) key = Key{2 * uint32_t(random.below(kRows / 2)) + 1};
  };
  const auto one = [&](size_t i) {
    const size_t slot = i % c.window;
    if (c.push) {
      draw(keys[slot]);
      client.push(table, keys[slot], rows[slot]);
      return;
    }
    if (i >= c.window) client.wait(tickets[slot]);
    draw(keys[slot]);
    tickets[slot] = client.pull_async(table, keys[slot], rows[slot]);
  };
  for (size_t i = 0; i < c.window; ++i) one(i);
  client.barrier();
  figures[1] = cpu_seconds();
  const double start = wall_seconds();
  for (size_t i = c.window; i < c.window + c.requests; ++i) one(i);
  if (!c.push) {
    for (size_t i = 0; i < c.window; ++i) client.wait(tickets[i]);
  }
  client.barrier();  // a push is done when it is in
  figures[0] = wall_seconds() - start;
  figures[1] = cpu_seconds() - figures[1];
}

void own(WorkerPort& port, TableSet& tables, std::span<double> figures) {
  Client client(tables, port);
  client.barrier();
  const double before = cpu_seconds();
  client.barrier();
  figures[1] = cpu_seconds() - before;
}

void measure(const Case& c) {
  Processes job;
  TableOptions table;
  table.spec = {"rows", kRows, c.length, 0, {}};
  table.spec.init = {Initialiser::Kind::constant, 1, 0, 0, 0};
  table.staleness = parse_staleness("async");
  table.copies_max = 0;
  job.tables = {table};
  job.work = [&](WorkerPort& port, TableSet& tables, std::span<double> figures) {
    port.worker().value == 0 ? ask(port, tables, c, figures) : own(port, tables, figures);
  };
  const auto figures = run(job);
  const double seconds = figures[0][0];
  const double keys = double(c.requests * c.keys);
  const double cpu_ns = (figures[0][1] + figures[1][1]) * 1e9 / keys;
  const double row = c.length * 4.0;
  const size_t ask_bytes = c.push ? size_t((row + 4) * double(c.keys)) : 4 * c.keys;
  const size_t answer_bytes = c.push ? 16 : size_t(row * double(c.keys));
  const double bare = bare_requests_per_second(ask_bytes, answer_bytes, c.requests / 2);
  std::printf("%s: %.0f requests/s, %.2f M keys/s, %.0f MB/s, CPU %.0f ns per key (%.0f + %.0f)\n",
              c.name, double(c.requests) / seconds, keys / seconds * 1e-6,
              keys * row / seconds * 1e-6, cpu_ns, figures[0][1] * 1e9 / keys,
              figures[1][1] * 1e9 / keys);
  const bool batched = c.keys == 1000;
  result(std::string(c.name) + "_of_bare_socket", double(c.requests) / seconds / bare, "ratio",
         batched && !c.push ? ">=0.7" : "-");
  result(std::string(c.name) + "_cpu", cpu_ns, "ns/key", batched && !c.push ? "<=200" : "-");
  result(std::string(c.name) + "_rate", keys / seconds * 1e-6, "Mkeys/s",
         batched && !c.push ? ">=9.6" : "-");
}

}  // namespace
}  // namespace hemiola::bench

int main() {
  using namespace hemiola::bench;
  measure({"pull_1000x32_window1", 1000, 32, 1, false, 10'000});
  measure({"pull_1000x32_window8", 1000, 32, 8, false, 10'000});
  measure({"push_1000x32_window1", 1000, 32, 1, true, 5'000});
  measure({"push_1000x32_window8", 1000, 32, 8, true, 5'000});
  measure({"pull_1x64_window1", 1, 64, 1, false, 50'000});
  measure({"pull_1x64_window8", 1, 64, 8, false, 100'000});
}

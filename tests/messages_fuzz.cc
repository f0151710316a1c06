// Bodies that a peer may send: every decoder must take any bytes, and what it accepts must mean the
// same when it is sent on. A node whose rows may move must survive any messages about them.
#include <algorithm>
#include <functional>
#include <vector>

#include "hemiola/cluster/messages.h"
#include "hemiola/core/check.h"
#include "hemiola/table/machine.h"
#include "hemiola/table/messages.h"

namespace {

using namespace hemiola;

template <class Message>
void round_trip(const Bytes& body) {
  const auto message = Message::decode(body);
  if (!message) return;
  const Bytes sent_on = message->encode();
  const auto again = Message::decode(sent_on);
  HEMIOLA_CHECK(again && std::ranges::equal(again->encode().span(), sent_on.span()));
}

// A join of another version is read only in part.
void join(const Bytes& body) {
  const auto message = Join::decode(body);
  if (message && message->version == kWireVersion) round_trip<Join>(body);
}

void view(const Bytes& body) {
  const auto read = decode_view(body);
  if (read) HEMIOLA_CHECK(std::ranges::equal(encode_view(*read).span(), body.span()));
}

void records(const Bytes& body) {
  Reader reader(body);
  const auto length = reader.get<uint8_t>();
  const auto read = RowRecords::read(reader, RowForm(length));
  if (!read) return;
  for (size_t i = 0; i < read->count(); ++i) (void)read->key(i);
}

// Node 0 of three, with something under way of each kind.
class KeeperUnderFire {
 public:
  explicit KeeperUnderFire(const char* placement) : tables_({table(placement)}, {NodeId{0}, 3, 1}) {
    want_.intents.push_back({TableId{0}, Clock{0}, Clock{100}, {Key{0}, Key{1}, Key{2}}});
    post(want_);
    push_.table = TableId{0};
    push_.keys = {Key{1}, Key{4}, Key{5}};
    push_.deltas.assign(6, 1);
    post(push_);
    fetch_.table = TableId{0};
    fetch_.keys = {Key{4}, Key{7}};
    post(fetch_);
    tick_.clock = Clock{1};
    tick_.dirty = {{TableId{0}, {Key{0}, Key{1}}}};
    post(tick_);
  }

  void message(NodeId from, Kind kind, std::span<const std::byte> rest) {
    Writer writer;
    writer.put(StreamHead{++numbers_[from.value], 0});
    if (!rest.empty()) std::memcpy(writer.skip(rest.size()), rest.data(), rest.size());
    on(MessageArrived{{from, NodeId{0}, Epoch{1}, kind, std::move(writer).take()}});
  }

 private:
  static TableOptions table(const char* placement) {
    TableOptions options;
    options.spec = {"t", 8, 2, 0, {}};
    options.staleness = parse_staleness("async");
    options.placement = parse_placement(placement);
    return options;
  }
  void post(Call& call) { on(CallPosted{&call}); }
  void on(Event event) {
    out_.clear();
    machine_.on(event, Instant{}, out_);
  }

  TableSet tables_;
  TableMachine machine_{tables_};
  IntendCall want_;
  PushCall push_;
  FetchCall fetch_;
  TickCall tick_;
  Outbox out_;
  uint32_t numbers_[3] = {};
};

// Messages, each behind two bytes: sender and kind, and length.
void keeper(const Bytes& body, const char* placement) {
  KeeperUnderFire node(placement);
  Reader reader(body);
  while (reader.left() > 0) {
    const auto head = reader.get<uint8_t>();
    const size_t length = std::min<size_t>(reader.get<uint8_t>(), reader.left());
    const auto kind = static_cast<Kind>(static_cast<uint16_t>(Kind::ask) + head / 2 % 12);
    node.message(NodeId{1U + head % 2}, kind, {reader.skip(length), length});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<std::function<void(const Bytes&)>> kDecoders = {
      join,
      view,
      records,
      round_trip<Ready>,
      round_trip<Heartbeat>,
      round_trip<Failed>,
      round_trip<Finished>,
      round_trip<End>,
      round_trip<WantBlock>,
      round_trip<AskLeave>,
      round_trip<GiveBlock>,
      round_trip<ReducePart>,
      round_trip<ReduceSum>,
      round_trip<PullBody>,
      [](const Bytes& body) { keeper(body, "intent"); },
      [](const Bytes& body) { keeper(body, "nups"); },
  };
  if (size == 0) return 0;
  const auto body = Bytes::copy_of(std::as_bytes(std::span(data, size)).subspan(1));
  kDecoders[data[0] % kDecoders.size()](body);
  return 0;
}

// Bodies that a peer may send: every decoder must take any bytes, and what it accepts must mean the
// same when it is sent on.
#include <algorithm>
#include <functional>
#include <vector>

#include "hemiola/cluster/messages.h"
#include "hemiola/core/check.h"
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
  const auto read = RowRecords::read(reader, length);
  if (!read) return;
  for (size_t i = 0; i < read->count(); ++i) (void)read->key(i);
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
      round_trip<GiveBlock>,
      round_trip<ReducePart>,
      round_trip<ReduceSum>,
      round_trip<PullBody>,
  };
  if (size == 0) return 0;
  const auto body = Bytes::copy_of(std::as_bytes(std::span(data, size)).subspan(1));
  kDecoders[data[0] % kDecoders.size()](body);
  return 0;
}

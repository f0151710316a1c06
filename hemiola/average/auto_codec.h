// compress=auto: which codec pays on a link, and why. Compression pays only where the link is slow
// against the encoder, so the answer is mostly none.
#pragma once

#include <span>
#include <string>

namespace hemiola {

// What one core makes of a codec here: bytes of floats (4 for each value) per second.
struct CodecSpeed {
  std::string codec;  // as make_codec reads it
  double encode = 0;
  double decode = 0;
};

struct CodecChoice {
  std::string codec = "none";
  double seconds = 0;        // for a vector, by the model below
  double dense_seconds = 0;  // without codec
  std::string reason;
};

// For a vector of n values over a link of so many bytes per second. The model: encoding, sending
// and decoding follow one another, so it errs to the side of none. A codec with a larger error is
// taken only when it saves a fifth of the time of the best one with a smaller error. So the choice
// is never slower than none by this model. Only codecs among `speeds` that are unbiased or need no
// memory to be near the truth should be offered: what is chosen without being asked for must not
// change what is learnt. REQUIRES: link_bytes_per_second > 0; throws UserError for a codec that
// there is not.
CodecChoice auto_codec(double link_bytes_per_second, std::span<const CodecSpeed> speeds, size_t n);

}  // namespace hemiola

// How fast this machine packs values: what sync.compress = "auto" goes by.
#pragma once

#include <vector>

#include "hemiola/average/auto_codec.h"

namespace hemiola {

// Of the codecs that auto may choose: those whose error averages out, so that what is learnt stays
// what it was. Takes some hundredths of a second.
std::vector<CodecSpeed> measured_codec_speeds();

// For the simulator: those of one core of a computer of 2023 with AVX-512, by bench/codec_speed.
std::vector<CodecSpeed> modelled_codec_speeds();

}  // namespace hemiola

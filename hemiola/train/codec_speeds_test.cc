#include "hemiola/train/codec_speeds.h"

#include <gtest/gtest.h>

#include "hemiola/average/codec.h"

namespace hemiola {
namespace {

TEST(CodecSpeeds, Only_codecs_whose_error_averages_out_are_offered) {
  const auto measured = measured_codec_speeds(), modelled = modelled_codec_speeds();
  ASSERT_EQ(measured.size(), modelled.size());
  for (size_t i = 0; i < measured.size(); ++i) {
    EXPECT_EQ(measured[i].codec, modelled[i].codec);
    const auto codec = make_codec(measured[i].codec);
    EXPECT_TRUE(!codec->biased() || codec->error_bound(1000) < 1e-4) << codec->text();
    EXPECT_GT(measured[i].encode, 1e7);
    EXPECT_GT(measured[i].decode, 1e7);
    EXPECT_LT(measured[i].encode, 1e12);
  }
}

}  // namespace
}  // namespace hemiola

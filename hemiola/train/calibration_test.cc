#include "hemiola/train/calibration.h"

#include <gtest/gtest.h>

#include "hemiola/core/check.h"
#include "hemiola/data/temp_folder.h"

namespace hemiola {
namespace {

TEST(Calibration, What_was_written_is_read_for_jobs_of_the_same_kind) {
  const test::TempFolder folder;
  const std::string path = folder.path("new/c.json");
  Job mf, wider, several;
  wider.model.factors = 32;
  several.cluster.nodes = 2;
  EXPECT_EQ(read_calibration(path, mf), std::nullopt);
  write_calibration(path, mf, 40);
  write_calibration(path, several, 90);
  EXPECT_EQ(read_calibration(path, mf), 40);
  EXPECT_EQ(read_calibration(path, several), 90);
  EXPECT_EQ(read_calibration(path, wider), std::nullopt);
}

TEST(Calibration, A_file_that_is_no_calibration_is_refused) {
  const test::TempFolder folder;
  EXPECT_THROW(read_calibration(folder.write("bad.json", "hello"), Job{}), UserError);
}

}  // namespace
}  // namespace hemiola

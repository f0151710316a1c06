#include "hemiola/train/calibration.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "hemiola/core/check.h"

namespace hemiola {
namespace {

TEST(Calibration, What_was_written_is_read_for_jobs_of_the_same_kind) {
  const std::string path = testing::TempDir() + "/hemiola_calibration_test/c.json";
  std::filesystem::remove(path);
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
  const std::string path = testing::TempDir() + "/hemiola_calibration_bad.json";
  std::ofstream(path) << "hello";
  EXPECT_THROW(read_calibration(path, Job{}), UserError);
}

}  // namespace
}  // namespace hemiola

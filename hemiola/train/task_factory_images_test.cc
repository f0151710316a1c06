#include <gtest/gtest.h>

#include "hemiola/core/check.h"
#include "hemiola/data/fashion_mnist.h"
#include "hemiola/data/idx.h"
#include "hemiola/data/temp_folder.h"
#include "hemiola/models/dense.h"
#include "hemiola/train/settings.h"
#include "hemiola/train/task_factory.h"

namespace hemiola {
namespace {

class TaskFactoryImages : public testing::Test {
 protected:
  // A set of 40 images of 4 x 4 and one of 20, in three classes.
  TaskFactoryImages() {
    for (const bool train : {true, false}) {
      Images set;
      set.height = set.width = 4;
      set.channels = 1;
      for (uint8_t i = 0; i < (train ? 40 : 20); ++i) {
        set.labels.push_back(i % 3);
        for (uint8_t p = 0; p < 16; ++p) set.pixels.push_back(static_cast<uint8_t>(i * p));
      }
      const std::string name = train ? "train" : "test";
      write_idx(set, folder_.path(name + "-images-idx3"), folder_.path(name + "-labels-idx1"));
    }
  }

  Job job(std::initializer_list<std::string> overrides) const {
    Job made;
    set_override(made, "data.kind=images");
    set_override(made, "model.kind=dense");
    set_override(made, "data.train=" + folder_.path("train-images-idx3"));
    set_override(made, "data.test=" + folder_.path("test-images-idx3"));
    for (const auto& o : overrides) set_override(made, o);
    resolve(made);
    return made;
  }

  std::string error(std::initializer_list<std::string> overrides) const {
    try {
      LoadedTask(job(overrides), in_order);
    } catch (const UserError& e) {
      return e.what();
    }
    return "no error";
  }

  const test::TempFolder folder_;
};

TEST_F(TaskFactoryImages, Settings_become_layers_of_a_net) {
  const LoadedTask loaded(job({"model.filters=3", "model.hidden=8, 5", "train.momentum=0.9"}),
                          in_order);
  EXPECT_EQ(loaded.description(),
            "40 images to train on, 20 to test; 4 x 4 pixels, grey, 3 classes");
  const auto tables = loaded.task().tables();
  ASSERT_EQ(tables.size(), 4u);
  EXPECT_EQ(tables[0].name, "conv1");
  EXPECT_EQ(tables[2].name, "full2");
  EXPECT_EQ(tables[2].values(), 5u);
  EXPECT_EQ(tables[2].row_length, 10u);
  EXPECT_EQ(tables[3].rows, 6u);
}

TEST_F(TaskFactoryImages, Plain_steps_of_64_are_the_default_and_a_test_set_is_not_needed) {
  const Job plain = job({"data.test="});
  EXPECT_EQ(*plain.train.optimizer, "sgd");
  EXPECT_EQ(plain.train.batch, 64u);
  const LoadedTask loaded(plain, in_order);
  EXPECT_EQ(loaded.task().tables()[0].row_length, 3u);
  EXPECT_EQ(loaded.task().evaluation_parts(), 1u);
}

TEST_F(TaskFactoryImages, A_job_that_names_no_images_takes_fashion_mnist) {
  const Job job_ = job({"data.train=", "data.test="});
  EXPECT_EQ(job_.data.train, fashion_mnist_train());
  EXPECT_EQ(job_.data.test, fashion_mnist_test());
}

TEST_F(TaskFactoryImages, What_does_not_fit_is_told_before_training) {
  EXPECT_EQ(error({"model.hidden=256;128"}),
            "`model.hidden` is \"256;128\", but must be numbers from 1 to 65536 by commas, such as "
            "\"256, 128\"");
  EXPECT_NE(error({"model.filters=0"}).find("`model.filters` is \"0\""), std::string::npos);
  EXPECT_NE(error({"model.filters=5,,5"}).find("`model.filters` is"), std::string::npos);
  EXPECT_NE(error({"model.filters=5,5,5"}).find("too small"), std::string::npos);
  EXPECT_EQ(error({"model.kind=mf"}),
            "model.kind = \"mf\" learns from ratings, but data.kind is \"images\"");
  EXPECT_EQ(error({"data.kind=text"}),
            "model.kind = \"dense\" learns from images, but data.kind is \"text\"");
  EXPECT_NE(
      error({"data.train_labels=" + folder_.path("test-labels-idx1")}).find("has 20 labels, but"),
      std::string::npos);
  EXPECT_NE(error({"data.test=/no/such-images-idx3"}).find("/no/such-images-idx3"),
            std::string::npos);
}

}  // namespace
}  // namespace hemiola

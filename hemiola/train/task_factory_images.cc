// The tasks that learn from images.
#include "hemiola/core/check.h"
#include "hemiola/data/fashion_mnist.h"
#include "hemiola/data/images.h"
#include "hemiola/models/dense.h"
#include "hemiola/train/progress.h"
#include "hemiola/train/task_factory.h"

namespace hemiola {
namespace {

DenseImages spans(const Images& images) { return {images.pixels, images.labels}; }

std::string count(uint64_t number) { return human_count(static_cast<double>(number)); }

}  // namespace

void LoadedTask::load_images(const Job& job) {
  const DataSection& data = job.data;
  if (data.train == fashion_mnist_train()) require_fashion_mnist(data.train);
  train_images_ = std::make_unique<Images>(read_images(data.train, data.train_labels));
  test_images_ = std::make_unique<Images>();
  const Images& train = *train_images_;
  if (!data.test.empty()) {
    *test_images_ = read_images(data.test, data.test_labels);
    check_same_kind(train, data.train, *test_images_, data.test);
  }
  description_ = count(train.size()) + " images to train on, " + count(test_images_->size()) +
                 " to test; " + std::to_string(train.height) + " x " + std::to_string(train.width) +
                 " pixels, " +
                 (train.channels == 1 ? "grey" : std::to_string(train.channels) + " colours") +
                 ", " + std::to_string(train.classes) + " classes";
}

void LoadedTask::set_up_dense(const Job& job) {
  DenseOptions options;
  options.filters = parse_sizes("model.filters", job.model.filters);
  options.hidden = parse_sizes("model.hidden", job.model.hidden);
  options.optimizer = *job.train.optimizer == "sgd" ? Optimizer::sgd : Optimizer::adagrad;
  options.momentum = static_cast<float>(job.train.momentum);
  options.rate = static_cast<float>(job.train.rate.value_or(0));
  options.decay = static_cast<float>(job.train.decay);
  options.l2 = static_cast<float>(job.model.l2.value_or(0));
  options.batch = static_cast<uint32_t>(*job.train.batch);
  options.change = {job.data.shift, job.data.flip};
  options.workers = job.cluster.nodes * job.cluster.workers;
  options.seed = job.job.seed;
  const Images& train = *train_images_;
  const Images& test = test_images_->size() > 0 ? *test_images_ : train;
  task_ = std::make_unique<DenseTask>(
      DenseData{
          spans(train), spans(test), {train.height, train.width, train.channels}, train.classes},
      options);
}

}  // namespace hemiola

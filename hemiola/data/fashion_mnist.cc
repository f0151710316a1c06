#include "hemiola/data/fashion_mnist.h"

#include <filesystem>

#include "hemiola/core/check.h"
#include "hemiola/data/idx.h"

namespace hemiola {
namespace {

const char* const kFolder = "/usr/share/datasets/fashion-mnist/";

void write_set(const std::string& folder, const std::string& name, const Images& set) {
  write_idx(set, folder + "/" + name + "-images-idx3-ubyte",
            folder + "/" + name + "-labels-idx1-ubyte");
}

}  // namespace

std::string fashion_mnist_train() { return std::string(kFolder) + "train-images-idx3-ubyte.gz"; }

std::string fashion_mnist_test() { return std::string(kFolder) + "t10k-images-idx3-ubyte.gz"; }

void require_fashion_mnist(const std::string& images) {
  std::error_code ignored;
  if (std::filesystem::exists(images, ignored)) return;
  throw UserError("Fashion-MNIST is not on this machine (" + images +
                  " is missing); `apt-get install dataset-fashion-mnist` brings it");
}

FashionMnist read_fashion_mnist() {
  FashionMnist data;
  require_fashion_mnist(fashion_mnist_train());
  require_fashion_mnist(fashion_mnist_test());
  data.train = read_images(fashion_mnist_train(), "");
  data.test = read_images(fashion_mnist_test(), "");
  check_same_kind(data.train, fashion_mnist_train(), data.test, fashion_mnist_test());
  return data;
}

void write_fashion_mnist(const std::string& folder, const FashionMnist& data) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw UserError("cannot make the folder " + folder + ": " + error.message());
  write_set(folder, "train", data.train);
  write_set(folder, "t10k", data.test);
}

}  // namespace hemiola

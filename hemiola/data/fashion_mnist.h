// Fashion-MNIST as Debian's package dataset-fashion-mnist brings it: 60,000 + 10,000 grey images of
// clothes, 28 x 28, in ten classes.
//
// Source: Xiao, Rasul, Vollgraf: Fashion-MNIST, 2017. Its licence is MIT.
#pragma once

#include <string>

#include "hemiola/data/images.h"

namespace hemiola {

struct FashionMnist {
  Images train, test;
};

// The files of images, each with its labels beside it.
std::string fashion_mnist_train();
std::string fashion_mnist_test();

// Throws UserError, saying what brings it, when the file is not there.
void require_fashion_mnist(const std::string& images);

// Throws as require_fashion_mnist() and read_images() do.
FashionMnist read_fashion_mnist();

// Unpacked IDX files under their published names. Makes the folder when it is missing.
void write_fashion_mnist(const std::string& folder, const FashionMnist& data);

}  // namespace hemiola

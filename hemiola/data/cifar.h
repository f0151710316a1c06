// CIFAR-10's binary batches: for each image a byte that is its label, then 32 x 32 bytes of red,
// of green and of blue.
//
// Source: Krizhevsky: the CIFAR-10 dataset, "Binary version".
#pragma once

#include <string>
#include <vector>

#include "hemiola/data/images.h"

namespace hemiola {

// All images of the files, in order. Throws UserError naming the file and what is wrong with it.
Images read_cifar10(const std::vector<std::string>& paths);

}  // namespace hemiola

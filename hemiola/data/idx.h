// The IDX format of MNIST and its kin: a magic number, a size for each dimension, then bytes.
//
// Source: LeCun, Cortes, Burges: the MNIST database, "File formats for the MNIST database".
#pragma once

#include <string>

#include "hemiola/data/images.h"

namespace hemiola {

// Grey images with their labels, each file plain or packed. The number of classes is one more
// than the largest label. Throws UserError naming the file and what is wrong with it.
Images read_idx(const std::string& images, const std::string& labels);

// Writes one set as the two files. Throws UserError when the disk does not do what is asked.
// REQUIRES: one channel.
void write_idx(const Images& set, const std::string& images, const std::string& labels);

}  // namespace hemiola

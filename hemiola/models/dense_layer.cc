#include "hemiola/models/dense_layer.h"

#include "hemiola/models/dense_conv.h"
#include "hemiola/models/dense_full.h"

namespace hemiola {

std::unique_ptr<DenseWork> make_dense_work(const DenseLayer& layer, const DenseKernels& kernels,
                                           size_t batch) {
  if (layer.kind == DenseLayer::Kind::conv) return std::make_unique<DenseConv>(layer, kernels);
  return std::make_unique<DenseFull>(layer, kernels, batch);
}

}  // namespace hemiola

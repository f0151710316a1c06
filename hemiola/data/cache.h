// Parsed data sets kept as packed binary files (cache_format.h), so that the next run need not
// parse.
//
// A cached file belongs to one source file, its size and time of change, and the options it was
// read with. One that is torn, stale, or of another version is ignored and written anew.
#pragma once

#include <string>

#include "hemiola/data/libsvm.h"
#include "hemiola/data/ratings.h"

namespace hemiola {

// What came of the cache, for the run's report.
struct CacheUse {
  bool hit = false;
  std::string problem;  // why the data could not be kept; they are read all the same
};

// As read_ratings and read_libsvm, through the folder `cache`, which is made when it is missing.
// An empty `cache`, or a source that is no regular file, means no caching.
RatingsSplit read_ratings_cached(const std::string& path, const RatingsOptions& options,
                                 const std::string& cache, const Runner& run = in_order,
                                 CacheUse* use = nullptr);
LibsvmFile read_libsvm_cached(const std::string& path, const LibsvmOptions& options,
                              const std::string& cache, const Runner& run = in_order,
                              CacheUse* use = nullptr);

}  // namespace hemiola

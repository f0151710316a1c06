hemiola_folder(average core)

# The same seed must give the same bytes on every machine, so products are not fused into sums.
hemiola_simd(${CMAKE_SOURCE_DIR}/hemiola/average/codec)
foreach(set plain baseline avx2 avx512)
  set_property(SOURCE ${CMAKE_SOURCE_DIR}/hemiola/average/codec_${set}.cc
    APPEND PROPERTY COMPILE_OPTIONS -ffp-contract=off)
endforeach()

hemiola_folder(models core)
hemiola_simd(${CMAKE_SOURCE_DIR}/hemiola/models/mf)
hemiola_simd(${CMAKE_SOURCE_DIR}/hemiola/models/linear)

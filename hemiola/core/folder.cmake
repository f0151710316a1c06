hemiola_folder(core)
target_link_libraries(hemiola_core PUBLIC Threads::Threads)

# Kernels that exist once per instruction set: STEM_baseline.cc, STEM_avx2.cc, STEM_avx512.cc.
# Rows are shared without locks by design, so the thread sanitizer does not watch these files.
function(hemiola_simd stem)
  set(common -O3 -ffp-contract=fast -fno-math-errno)
  if(HEMIOLA_SANITIZE STREQUAL "thread")
    list(APPEND common -fno-sanitize=thread)
  endif()
  set_source_files_properties(${stem}_baseline.cc PROPERTIES COMPILE_OPTIONS "${common}")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    set_source_files_properties(${stem}_avx2.cc PROPERTIES
      COMPILE_OPTIONS "${common};-mavx2;-mfma")
    set_source_files_properties(${stem}_avx512.cc PROPERTIES
      COMPILE_OPTIONS "${common};-mavx512f;-mavx512vl;-mavx2;-mfma")
  endif()
endfunction()

hemiola_simd(${CMAKE_SOURCE_DIR}/hemiola/core/vec)

# A row starts with the same bits on every machine, so products are not fused into sums.
hemiola_simd(${CMAKE_SOURCE_DIR}/hemiola/core/fill)
foreach(set fill fill_baseline fill_avx2 fill_avx512)
  set_property(SOURCE ${CMAKE_SOURCE_DIR}/hemiola/core/${set}.cc
    APPEND PROPERTY COMPILE_OPTIONS -ffp-contract=off)
endforeach()

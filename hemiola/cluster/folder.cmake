hemiola_folder(cluster core)
if(TARGET cluster_test)
  target_compile_definitions(cluster_test PRIVATE
    HEMIOLA_SCENARIOS="${CMAKE_SOURCE_DIR}/tests/scenarios")
endif()

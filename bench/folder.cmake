# One program per question: bench/NAME.cc becomes build/bench/NAME. Real node processes are shared
# by benches and tests.
add_library(hemiola_processes STATIC ${CMAKE_SOURCE_DIR}/bench/processes.cc)
hemiola_link_protocols(hemiola_processes)

file(GLOB benches CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/*.cc)
list(FILTER benches EXCLUDE REGEX "/processes\\.cc$")
foreach(source ${benches})
  get_filename_component(name ${source} NAME_WE)
  add_executable(bench_${name} ${source})
  set_target_properties(bench_${name} PROPERTIES
    OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  target_link_libraries(bench_${name} PRIVATE hemiola_processes)
  hemiola_link_all(bench_${name})
endforeach()

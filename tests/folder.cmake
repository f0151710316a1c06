# What spans folders. tests/NAME_test.cc becomes the program build/NAME_test, tests/NAME_fuzz.cc
# build-fuzz/NAME_fuzz; all other sources here are shared by the tests.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/*.cc)
set(tests ${sources})
set(fuzzers ${sources})
list(FILTER sources EXCLUDE REGEX "_(test|fuzz)\\.cc$")
list(FILTER tests INCLUDE REGEX "_test\\.cc$")
list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")

if(HEMIOLA_TESTS AND tests)
  add_library(hemiola_tests STATIC ${sources})
  set_target_properties(hemiola_tests PROPERTIES LINKER_LANGUAGE CXX)
  hemiola_link_all(hemiola_tests)
  foreach(test ${tests})
    get_filename_component(name ${test} NAME_WE)
    add_executable(${name} ${test})
    target_link_libraries(${name} PRIVATE hemiola_tests hemiola_processes
                          GTest::gtest_main)
    target_compile_definitions(${name} PRIVATE
      HEMIOLA_SCENARIOS="${CMAKE_SOURCE_DIR}/tests/scenarios")
    gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300)
  endforeach()
endif()

if(HEMIOLA_TESTS)
  find_package(Python3 COMPONENTS Interpreter REQUIRED)
  add_test(NAME tidy COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/tests/tidy.py)
endif()

if(HEMIOLA_FUZZ)
  add_custom_target(fuzzers)
  foreach(source ${fuzzers})
    get_filename_component(name ${source} NAME_WE)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE hemiola_net hemiola_cluster hemiola_table)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers ${name})
  endforeach()
endif()

hemiola_folder(train net sim cluster table average models data core)
target_compile_definitions(hemiola_train PUBLIC HEMIOLA_VERSION="${PROJECT_VERSION}")

if(EXISTS ${CMAKE_SOURCE_DIR}/hemiola/train/main.cc)
  add_executable(hemiola ${CMAKE_SOURCE_DIR}/hemiola/train/main.cc)
  target_link_libraries(hemiola PRIVATE hemiola_train)
endif()

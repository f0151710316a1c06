hemiola_folder(sim core)
find_package(Boost 1.74 REQUIRED COMPONENTS context)
target_link_libraries(hemiola_sim PRIVATE Boost::context)

hemiola_folder(core)
target_link_libraries(hemiola_core PUBLIC Threads::Threads)

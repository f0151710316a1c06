find_package(OpenSSL REQUIRED)
hemiola_folder(net core)
target_link_libraries(hemiola_net PUBLIC OpenSSL::SSL OpenSSL::Crypto Threads::Threads)

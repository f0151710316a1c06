find_package(OpenSSL REQUIRED)
find_package(CURL REQUIRED)
hemiola_folder(net core)
target_link_libraries(hemiola_net PUBLIC OpenSSL::SSL OpenSSL::Crypto Threads::Threads
                      PRIVATE CURL::libcurl)

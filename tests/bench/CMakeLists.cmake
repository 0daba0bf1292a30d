find_package(benchmark REQUIRED)
add_executable(benchmarks EXCLUDE_FROM_ALL bench/benchmarks.cc bench/render_bench.cc)
target_include_directories(benchmarks PRIVATE ${CMAKE_SOURCE_DIR})
target_link_libraries(benchmarks PRIVATE exporter_core benchmark::benchmark PkgConfig::HTTPLIB
  OpenSSL::SSL OpenSSL::Crypto simdjson::simdjson)

find_package(benchmark REQUIRED)
add_executable(benchmarks EXCLUDE_FROM_ALL bench/benchmarks.cc bench/render_bench.cc)
target_include_directories(benchmarks PRIVATE ${CMAKE_SOURCE_DIR})
target_link_libraries(benchmarks PRIVATE exporter_core benchmark::benchmark PkgConfig::HTTPLIB
  OpenSSL::SSL OpenSSL::Crypto simdjson::simdjson)
# Peers on the same series, for tests/bench/peers.py.
add_executable(exposition_server EXCLUDE_FROM_ALL bench/exposition_server.cc)
target_link_libraries(exposition_server PRIVATE exporter_core warnings)
find_library(PROMETHEUS_CPP_PULL prometheus-cpp-pull)
add_executable(exposer EXCLUDE_FROM_ALL bench/peers/exposer.cc)
target_link_libraries(exposer PRIVATE ${PROMETHEUS_CPP_PULL} prometheus-cpp::core)
# What costs most, counted in instructions: only as it is shipped.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_executable(hot_paths bench/hot_paths.cc)
  target_link_libraries(hot_paths PRIVATE exporter_core warnings)
  set_target_properties(hot_paths PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  add_python_test(instructions bench instructions_test)
endif()

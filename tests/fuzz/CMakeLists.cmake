# Fuzz targets: their corpus with every compiler, libFuzzer with clang (the preset "fuzz").
set(FUZZ_TARGETS fuzz/cloud_targets.cc fuzz/local_targets.cc)
add_executable(fuzz_tests fuzz/fuzz_test.cc ${FUZZ_TARGETS})
target_link_libraries(fuzz_tests PRIVATE test_support)
target_precompile_headers(fuzz_tests REUSE_FROM test_support)
target_compile_definitions(fuzz_tests PRIVATE
  FUZZ_CORPUS="${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus")
add_test(NAME fuzz COMMAND fuzz_tests)
set_tests_properties(fuzz PROPERTIES TIMEOUT 300)

if(FUZZ)
  # Only what the targets reach, so that it is built quickly.
  file(GLOB FUZZED CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/exporter/acr/*.cc
    ${CMAKE_SOURCE_DIR}/exporter/swr/*.cc ${CMAKE_SOURCE_DIR}/exporter/cloud/*.cc
    ${CMAKE_SOURCE_DIR}/exporter/base/*.cc
    ${CMAKE_SOURCE_DIR}/exporter/config/*.cc ${CMAKE_SOURCE_DIR}/exporter/model/*.cc
    ${CMAKE_SOURCE_DIR}/exporter/net/*.cc ${CMAKE_SOURCE_DIR}/exporter/exposition/*.cc
    ${CMAKE_SOURCE_DIR}/exporter/store/state_codec.cc
    ${CMAKE_SOURCE_DIR}/exporter/web/http_head.cc ${CMAKE_SOURCE_DIR}/exporter/web/target.cc
    ${CMAKE_SOURCE_DIR}/exporter/web/negotiation.cc ${CMAKE_SOURCE_DIR}/exporter/web/web_config.cc)
  list(FILTER FUZZED EXCLUDE REGEX "curl_transport|/log\\.cc|client\\.cc|credentials\\.cc|calls\\.cc|api_caller")
  add_executable(fuzzer fuzz/fuzz_main.cc ${FUZZ_TARGETS} ${FUZZED})
  target_include_directories(fuzzer PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_definitions(fuzzer PRIVATE REGISTRY_EXPORTER_VERSION="${PROJECT_VERSION}")
  target_link_options(fuzzer PRIVATE -fsanitize=fuzzer)
  target_link_libraries(fuzzer PRIVATE Threads::Threads OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB
    nlohmann_json::nlohmann_json prometheus-cpp::core simdjson::simdjson yaml-cpp PkgConfig::RE2)
endif()

# Fuzz targets: their corpus with every compiler, libFuzzer with clang (the preset "fuzz").
set(FUZZ_TARGETS fuzz/cloud_targets.cc fuzz/local_targets.cc fuzz/native_target.cc)
add_executable(fuzz_tests fuzz/fuzz_test.cc ${FUZZ_TARGETS})
target_link_libraries(fuzz_tests PRIVATE test_support)
target_precompile_headers(fuzz_tests REUSE_FROM test_support)
target_compile_definitions(fuzz_tests PRIVATE
  FUZZ_CORPUS="${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus")
add_test(NAME fuzz COMMAND fuzz_tests)
set_tests_properties(fuzz PROPERTIES TIMEOUT 300)
add_dependencies(unit_tests fuzz_tests)

if(FUZZ)
  add_executable(fuzzer fuzz/fuzz_main.cc ${FUZZ_TARGETS})
  target_link_options(fuzzer PRIVATE -fsanitize=fuzzer)
  target_link_libraries(fuzzer PRIVATE exporter_core)
endif()

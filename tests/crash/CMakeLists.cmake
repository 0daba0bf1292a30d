# Power cuts: the store's own system calls are seen too.
set(CRASH_SOURCES crash/crash_test.cc crash/disk.cc crash/recording_vfs.cc crash/script.cc)
set_source_files_properties(${CRASH_SOURCES} PROPERTIES COMPILE_OPTIONS -O2)
add_executable(crash_tests ${CRASH_SOURCES})
target_link_libraries(crash_tests PRIVATE test_support SQLite::SQLite3)
target_link_options(crash_tests PRIVATE -Wl,--wrap=pread,--wrap=pwrite,--wrap=fsync,--wrap=rename)
add_test(NAME crash COMMAND crash_tests)
set_tests_properties(crash PROPERTIES TIMEOUT 600)

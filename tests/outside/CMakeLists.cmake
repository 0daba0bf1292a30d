# What others wrote about the clouds, their clients, and machines: facts with their sources.
file(GLOB OUTSIDE_SOURCES CONFIGURE_DEPENDS outside/*_test.cc)
if(OUTSIDE_SOURCES)
  add_executable(outside_tests ${OUTSIDE_SOURCES})
  target_link_libraries(outside_tests PRIVATE test_support)
  target_precompile_headers(outside_tests REUSE_FROM test_support)
  add_test(NAME outside COMMAND outside_tests)
  set_tests_properties(outside PROPERTIES TIMEOUT 300)
endif()

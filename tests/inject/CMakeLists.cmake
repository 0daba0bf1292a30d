# The N-th system call of the real program fails. Sanitizers bring their own malloc, which can't be
# stood before.
if(TARGET registry_exporter AND TARGET registry_simulator AND NOT CMAKE_CXX_FLAGS MATCHES "sanitize")
  add_library(inject SHARED inject/inject.cc)
  # It stands before libc's own: no fortified or inlined copies, no exceptions declared.
  target_compile_options(inject PRIVATE -U_FORTIFY_SOURCE -Wall -Wextra -Werror -Wno-attributes)
  target_link_libraries(inject PRIVATE ${CMAKE_DL_LIBS})
  set_target_properties(inject PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  add_python_test(inject inject inject_test)
  set_tests_properties(inject PROPERTIES RESOURCE_LOCK program)
endif()

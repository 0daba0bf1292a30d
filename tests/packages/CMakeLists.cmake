# What is shipped beside the program: the Debian package, the unit, what to paste elsewhere.
if(TARGET registry_exporter)
  add_python_test(packages_unit packages unit_test)
  add_test(NAME packages_manifests
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/packages/manifests/run.sh
      $<TARGET_FILE:registry_exporter> ${CMAKE_BINARY_DIR}/manifests)
  set_tests_properties(packages_manifests PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
  if(CMAKE_BUILD_TYPE STREQUAL Release)
    add_python_test(packages_debian packages debian_test)
  endif()
endif()

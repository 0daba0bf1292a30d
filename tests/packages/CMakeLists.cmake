# What is shipped beside the program: the Debian package, the unit, what to paste elsewhere.
if(TARGET registry_exporter)
  add_python_test(packages_unit packages unit_test)
  if(CMAKE_BUILD_TYPE STREQUAL Release)
    add_python_test(packages_debian packages debian_test)
  endif()
endif()

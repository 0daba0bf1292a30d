# A server that does its worst, against the real program.
if(TARGET registry_exporter AND TARGET registry_simulator)
  add_python_test(nasty nasty nasty_test)
  set_tests_properties(nasty PROPERTIES RESOURCE_LOCK program)
endif()

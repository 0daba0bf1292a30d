# A server that does its worst, against the real program. Its calls are timed, so nothing runs beside it.
if(TARGET registry_exporter AND TARGET registry_simulator)
  add_python_test(nasty nasty nasty_test)
  set_tests_properties(nasty PROPERTIES RUN_SERIAL ON)
endif()

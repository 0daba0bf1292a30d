# TLS, passwords and hostile clients, against the real programs.
if(TARGET registry_exporter AND TARGET registry_simulator)
  add_python_test(e2e_edge e2e edge_test)
  set_tests_properties(e2e_edge PROPERTIES RUN_SERIAL ON)
endif()

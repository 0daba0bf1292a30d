# TLS, passwords and hostile clients, the way out through a proxy, and paths behind one, against the
# real programs.
if(TARGET registry_exporter AND TARGET registry_simulator)
  add_python_test(e2e_edge e2e edge_test)
  add_python_test(e2e_proxy e2e proxy_test)
  add_python_test(e2e_reload e2e reload_test)
  add_python_test(e2e_site e2e site_test)
  set_tests_properties(e2e_edge e2e_proxy e2e_reload e2e_site PROPERTIES RUN_SERIAL ON)
endif()

# TLS, passwords and hostile clients, the way out through a proxy, paths behind one, and what real
# Prometheus and VictoriaMetrics store.
if(TARGET registry_exporter AND TARGET registry_simulator)
  add_python_test(e2e_durations e2e durations_test)
  add_python_test(e2e_edge e2e edge_test)
  add_python_test(e2e_native e2e native_test)
  add_python_test(e2e_proxy e2e proxy_test)
  add_python_test(e2e_reload e2e reload_test)
  add_python_test(e2e_site e2e site_test)
  add_python_test(e2e_victoriametrics e2e victoriametrics_test)
  set_tests_properties(e2e_durations e2e_edge e2e_native e2e_proxy e2e_reload e2e_site e2e_victoriametrics
    PROPERTIES RESOURCE_LOCK program)
endif()

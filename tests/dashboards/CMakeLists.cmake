add_python_test(dashboards dashboards dashboards_test)
# Grafana's own types judge the dashboards; exit code 77: not to be had here.
add_test(NAME dashboards_schema
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/dashboards/schema/run.sh ${CMAKE_BINARY_DIR}/dashboards_schema)
set_tests_properties(dashboards_schema PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
if(TARGET registry_exporter AND TARGET registry_simulator)
  add_python_test(dashboards_live dashboards live_test)
endif()

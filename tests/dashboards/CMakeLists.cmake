add_python_test(dashboards dashboards dashboards_test)
if(TARGET registry_exporter AND TARGET registry_simulator)
  add_python_test(dashboards_live dashboards live_test)
endif()

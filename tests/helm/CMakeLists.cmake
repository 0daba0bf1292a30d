if(TARGET registry_exporter)
  add_python_test(helm helm chart_test)
endif()

if(TARGET registry_exporter AND TARGET registry_simulator)
  add_python_test(stack alerts stack_test)
endif()

# A month of scrapes with known incidents, for `./run alerts`.
add_executable(alert_month EXCLUDE_FROM_ALL alerts/month.cc alerts/story.cc alerts/diary.cc)
target_link_libraries(alert_month PRIVATE simulator_core fiber warnings)
target_compile_options(alert_month PRIVATE -O2)

if(TARGET registry_exporter AND TARGET registry_simulator)
  add_python_test(stack alerts stack_test)
endif()

# The simulator against the clouds' official JavaScript clients; skipped where there is no node.
if(TARGET registry_simulator)
  add_test(NAME simulator_conformance
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/simulator/conformance/run.sh
      $<TARGET_FILE:registry_simulator> ${CMAKE_BINARY_DIR}/conformance)
  set_tests_properties(simulator_conformance PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
endif()

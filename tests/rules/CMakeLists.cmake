# The shipped rules, with promtool; 77 means that it is not installed.
add_test(NAME rules COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/rules/rules_test.sh)
set_tests_properties(rules PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 400)

# Every known fault, and whether the test that covers it is there.
add_python_test(catalogue tidy catalogue_test)

# The whole exporter in a simulated world, one history per seed. Optimised: it is run far more than
# it is compiled.
add_executable(sim sim/main.cc sim/simulation.cc sim/oracle.cc sim/exposition_reader.cc)
target_link_libraries(sim PRIVATE simulator_core fiber warnings)
target_compile_options(sim PRIVATE -O2)
add_test(NAME sim COMMAND sim --seeds 1..400)
set_tests_properties(sim PROPERTIES TIMEOUT 600 PROCESSORS 2)

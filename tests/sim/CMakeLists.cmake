# The whole exporter in a simulated world, one history per seed. Optimised, and with an allocator
# that saves a fifth where it is there: it is run far more than it is compiled.
add_executable(sim sim/main.cc sim/simulation.cc sim/oracle.cc sim/plan.cc
               sim/series_names.cc sim/stream_oracle.cc sim/stream_truth.cc
               sim/exposition_reader.cc)
target_link_libraries(sim PRIVATE simulator_core fiber warnings)
target_compile_options(sim PRIVATE -O2)
if(CMAKE_CXX_FLAGS MATCHES "sanitize")
  add_test(NAME sim COMMAND sim --seeds 1..120 --jobs 1)
else()
  find_library(MIMALLOC mimalloc)
  if(MIMALLOC)
    target_link_options(sim PRIVATE -Wl,--no-as-needed)
    target_link_libraries(sim PRIVATE ${MIMALLOC})
  endif()
  add_test(NAME sim COMMAND sim --seeds 1..1000 --jobs 1)
endif()
set_tests_properties(sim PROPERTIES TIMEOUT 1500 COST 1000)

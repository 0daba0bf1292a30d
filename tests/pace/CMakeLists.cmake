# Who is read when, measured on simulated time. Optimised: it lives through many hours.
add_executable(pace EXCLUDE_FROM_ALL pace/main.cc pace/world.cc)
target_include_directories(pace PRIVATE ${CMAKE_SOURCE_DIR})
target_link_libraries(pace PRIVATE exporter_core fiber warnings)
target_compile_options(pace PRIVATE -O2)
add_executable(soak EXCLUDE_FROM_ALL pace/soak.cc pace/world.cc)
target_include_directories(soak PRIVATE ${CMAKE_SOURCE_DIR})
target_link_libraries(soak PRIVATE exporter_core fiber warnings)
target_compile_options(soak PRIVATE -O2)

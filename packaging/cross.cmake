# Builds for ARCHITECTURE, amd64 or arm64, with Debian's compiler for it and its multiarch libraries. What has to
# run during the build, and the tests, run in an emulator.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ARCHITECTURE)
set(CMAKE_SYSTEM_NAME Linux)
if(ARCHITECTURE STREQUAL arm64)
  set(CMAKE_SYSTEM_PROCESSOR aarch64)
elseif(ARCHITECTURE STREQUAL amd64)
  set(CMAKE_SYSTEM_PROCESSOR x86_64)
else()
  message(FATAL_ERROR "ARCHITECTURE is amd64 or arm64, not '${ARCHITECTURE}'")
endif()
set(CMAKE_CXX_COMPILER ${CMAKE_SYSTEM_PROCESSOR}-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${CMAKE_SYSTEM_PROCESSOR}-static)
set(ENV{PKG_CONFIG_LIBDIR}
  /usr/lib/${CMAKE_SYSTEM_PROCESSOR}-linux-gnu/pkgconfig:/usr/share/pkgconfig)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE ${ARCHITECTURE})

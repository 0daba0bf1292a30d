# cmake -DSOURCE=… -DREVISION=… -DOUT=… -P revision.cmake: writes the header that tells the commit.
# An unchanged header is left alone, so that nothing is compiled again.
cmake_minimum_required(VERSION 3.25)
if(NOT REVISION AND EXISTS ${SOURCE}/.git)
  execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE REVISION OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT REVISION)
  set(REVISION unknown)
endif()
file(CONFIGURE OUTPUT ${OUT} CONTENT "#pragma once\n#define REGISTRY_EXPORTER_REVISION \"@REVISION@\"\n" @ONLY)

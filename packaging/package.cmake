# The Debian package. `./run package` builds the target `package_files`, then calls cpack.

set(PACKAGING ${CMAKE_CURRENT_LIST_DIR})
set(PACKAGED ${CMAKE_BINARY_DIR}/packaged)

# The changelog's newest date stands for "now", so that the same source gives the same package.
file(STRINGS ${PACKAGING}/changelog PACKAGE_DATE REGEX "^ -- " LIMIT_COUNT 1)
string(REGEX REPLACE ".*>  " "" PACKAGE_DATE "${PACKAGE_DATE}")

add_custom_target(package_files
  COMMAND ${PACKAGING}/files.sh ${CMAKE_BINARY_DIR} ${PACKAGED} ${PROJECT_VERSION} "${PACKAGE_DATE}"
    ${CMAKE_CROSSCOMPILING_EMULATOR}
  DEPENDS registry_exporter VERBATIM)

install(TARGETS registry_exporter DESTINATION /usr/bin)
install(FILES config/registry_exporter.yml DESTINATION /etc/registry_exporter)
install(FILES packaging/registry-exporter.default DESTINATION /etc/default RENAME registry-exporter)
install(FILES config/systemd/registry-exporter.service DESTINATION /usr/lib/systemd/system)
install(FILES ${PACKAGED}/registry_exporter.1.gz DESTINATION /usr/share/man/man1)
install(FILES packaging/copyright README.md SECURITY.md ARCHITECTURE.md CHANGELOG.md
  ${PACKAGED}/changelog.gz ${PACKAGED}/sbom.cdx.json DESTINATION /usr/share/doc/registry-exporter)
# As in the sources, so that links lead somewhere.
install(DIRECTORY docs config grafana DESTINATION /usr/share/doc/registry-exporter
  FILES_MATCHING PATTERN *.md PATTERN *.svg PATTERN *.yml PATTERN *.yaml PATTERN *.json
  PATTERN *.service PATTERN *.libsonnet PATTERN *.jsonnet
  PATTERN *.tpl PATTERN NOTES.txt)

set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The registry_exporter maintainers <maintainers@registry-exporter.invalid>")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_PACKAGE_NAME registry-exporter)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Prometheus exporter for container registries
Counts image builds of Alibaba Cloud Container Registry Enterprise Edition
and retention deletions of Huawei Cloud SWR, each exactly once, and shows
them to Prometheus. A scrape triggers an incremental collection; counters
are kept in a small database and survive restarts and crashes.")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, ca-certificates, procps")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${PACKAGING}/conffiles ${PACKAGING}/postinst ${PACKAGING}/prerm ${PACKAGING}/postrm)
include(CPack)

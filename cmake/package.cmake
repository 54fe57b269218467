# What is installed, for find_package(hio-cpp CONFIG) and for pkg-config.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/hio-cpp)
set(pkgconfig_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(TARGETS hio hio_sim EXPORT hio-cpp FILE_SET HEADERS)
install(EXPORT hio-cpp
  FILE hio-cppTargets.cmake NAMESPACE hio:: DESTINATION ${package_dir})

configure_package_config_file(cmake/hio-cppConfig.cmake.in hio-cppConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(hio-cppConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/hio-cppConfig.cmake ${PROJECT_BINARY_DIR}/hio-cppConfigVersion.cmake
  cmake/Findc-ares.cmake
  DESTINATION ${package_dir})

# Paths in the .pc file are relative to it, so the installed tree may be moved.
file(RELATIVE_PATH to_prefix "/prefix/${pkgconfig_dir}" "/prefix")
cmake_path(SET to_prefix NORMALIZE "${to_prefix}/.") # without a slash at the end
# pkgconfig(name library description requires static_define)
function(pkgconfig pc_name pc_library pc_description pc_requires static_define)
  if(NOT BUILD_SHARED_LIBS)
    set(pc_cflags "-D${static_define}")
  endif()
  configure_file(cmake/pkgconfig.pc.in ${pc_name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${pc_name}.pc DESTINATION ${pkgconfig_dir})
endfunction()
# Who links the static library links what it needs, too.
set(needs "openssl >= 3.0")
if(HIO_WITH_CARES)
  string(APPEND needs ", libcares")
endif()
if(BUILD_SHARED_LIBS)
  set(requires "Requires.private")
else()
  set(requires "Requires")
endif()
pkgconfig(hio-cpp hio "${PROJECT_DESCRIPTION}" "${requires}: ${needs}" HIO_STATIC_DEFINE)
pkgconfig(hio-cpp-sim hio_sim "Simulated network for tests of hio-cpp's users"
  "Requires: hio-cpp = ${PROJECT_VERSION}" HIO_SIM_STATIC_DEFINE)

if(TARGET hio-tool)
  install(TARGETS hio-tool)
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

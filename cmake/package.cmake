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
  DESTINATION ${package_dir})

# Paths in the .pc file are relative to it, so the installed tree may be moved.
file(RELATIVE_PATH to_prefix "/prefix/${pkgconfig_dir}" "/prefix")
cmake_path(SET to_prefix NORMALIZE "${to_prefix}/.") # without a slash at the end
set(pc_cflags "")
set(pc_requires "Requires.private")
if(NOT BUILD_SHARED_LIBS)
  set(pc_cflags "-DHIO_STATIC_DEFINE")
  set(pc_requires "Requires")
endif()
configure_file(cmake/hio-cpp.pc.in hio-cpp.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/hio-cpp.pc DESTINATION ${pkgconfig_dir})

if(TARGET hio-tool)
  install(TARGETS hio-tool)
endif()
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

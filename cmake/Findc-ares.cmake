# c-ares::cares, also where its package has no configuration for CMake.
include(FindPackageHandleStandardArgs)

find_package(c-ares CONFIG QUIET)
if(NOT c-ares_FOUND)
  find_path(c-ares_INCLUDE_DIR ares.h)
  find_library(c-ares_LIBRARY cares)
  mark_as_advanced(c-ares_INCLUDE_DIR c-ares_LIBRARY)
endif()
if(TARGET c-ares::cares)
  set(c-ares_FOUND TRUE)
else()
  find_package_handle_standard_args(c-ares REQUIRED_VARS c-ares_LIBRARY c-ares_INCLUDE_DIR)
  if(c-ares_FOUND)
    add_library(c-ares::cares UNKNOWN IMPORTED)
    set_target_properties(c-ares::cares PROPERTIES
      IMPORTED_LOCATION "${c-ares_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${c-ares_INCLUDE_DIR}")
  endif()
endif()

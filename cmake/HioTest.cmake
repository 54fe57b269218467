include(GoogleTest)

# hio_add_test(name sources... [LIBS lib...] [LABELS label...] [DEFINITIONS def...] [TIMEOUT s]
#              [FIXTURES fixture...])
# One GoogleTest executable, each of its cases a ctest case named <first label>.<Suite>.<Case>.
function(hio_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "LIBS;LABELS;DEFINITIONS;FIXTURES")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  list(GET arg_LABELS 0 prefix)

  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  hio_own(${name})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${name} PRIVATE ${arg_DEFINITIONS})
  target_link_libraries(${name} PRIVATE hio::hio GTest::gmock GTest::gtest_main ${arg_LIBS})
  if(TARGET hio_test_support)
    target_link_libraries(${name} PRIVATE hio_test_support)
  endif()
  # Debian's servers are in sbin, which is not on everybody's PATH.
  gtest_discover_tests(${name}
    DISCOVERY_MODE PRE_TEST
    NO_PRETTY_VALUES
    TEST_PREFIX ${prefix}.
    PROPERTIES
      LABELS "${arg_LABELS}"
      TIMEOUT ${arg_TIMEOUT}
      FIXTURES_REQUIRED "${arg_FIXTURES}"
      ENVIRONMENT_MODIFICATION PATH=path_list_append:/usr/sbin)
endfunction()

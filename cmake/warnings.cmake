# hio_flags: how this project compiles its own code. Nothing of it reaches those who use the library.
include(CheckCXXCompilerFlag)

add_library(hio_flags INTERFACE)

target_compile_options(hio_flags INTERFACE
  -Wall -Wextra -Wpedantic
  -Wcast-align -Wcast-qual -Wconversion -Wdouble-promotion -Wextra-semi -Wformat=2
  -Wimplicit-fallthrough -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual -Wshadow
  -Wsign-conversion -Wundef -Wunused
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-branches -Wduplicated-cond -Wlogical-op>
  $<$<BOOL:${HIO_WARNINGS_AS_ERRORS}>:-Werror>)

if(HIO_HARDENING)
  check_cxx_compiler_flag(-fcf-protection HIO_HAS_CF_PROTECTION)
  # Fortification needs optimisation; clang 14 knows level 2 at most.
  set(optimised $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)
  set(level $<IF:$<CXX_COMPILER_ID:GNU>,3,2>)
  target_compile_definitions(hio_flags INTERFACE _GLIBCXX_ASSERTIONS)
  target_compile_options(hio_flags INTERFACE
    -fstack-protector-strong
    $<$<BOOL:${HIO_HAS_CF_PROTECTION}>:-fcf-protection>
    "$<${optimised}:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=${level}>")
  target_link_options(hio_flags INTERFACE LINKER:-z,relro,-z,now)
endif()

if(HIO_SANITIZE)
  list(JOIN HIO_SANITIZE "," sanitizers)
  target_compile_options(hio_flags INTERFACE
    -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer
    # g++ warns of its own instrumented library: that is what its manual says of the combination.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  if(HIO_SANITIZE MATCHES undefined)
    # This check opens a pipe to look at an object: a test that leaves no descriptor breaks it.
    target_compile_options(hio_flags INTERFACE -fno-sanitize=vptr)
  endif()
  target_link_options(hio_flags INTERFACE -fsanitize=${sanitizers})
endif()

if(HIO_FUZZ)
  # Tells libFuzzer which code an input has reached.
  target_compile_options(hio_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(HIO_COVERAGE)
  target_compile_options(hio_flags INTERFACE --coverage -O0)
  target_link_options(hio_flags INTERFACE --coverage)
endif()

# hio_own(target): what all of the project's own targets have in common.
function(hio_own target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:hio_flags>)
endfunction()

# How every target of this tree is compiled.

add_library(rankwire_flags INTERFACE)
target_compile_options(rankwire_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlapping copies in operator+ of std::string where there are none (bug 105651).
  target_compile_options(rankwire_flags INTERFACE -Wno-restrict)
endif()
# The libraries may become a part of somebody's shared library, and are compiled for that. What they
# define is theirs all the same, and may be inlined within them.
target_compile_options(rankwire_flags INTERFACE -fno-semantic-interposition)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # What each thread may touch is written on members and functions (thread_annotations.hpp).
  target_compile_options(rankwire_flags INTERFACE -Wthread-safety -Werror=thread-safety)
endif()
if(RANKWIRE_WERROR)
  target_compile_options(rankwire_flags INTERFACE -Werror)
endif()
if(RANKWIRE_SANITIZE)
  target_compile_options(rankwire_flags INTERFACE -fsanitize=${RANKWIRE_SANITIZE} -g1
                                                  -fno-omit-frame-pointer)
  target_link_options(rankwire_flags INTERFACE -fsanitize=${RANKWIRE_SANITIZE})
endif()
if(RANKWIRE_FUZZ)
  # What libFuzzer steers by; a finding of the sanitizers ends the run, or it would not be kept.
  target_compile_options(rankwire_flags INTERFACE -fsanitize=fuzzer-no-link
                                                  -fno-sanitize-recover=all)
endif()

# rankwire_library(NAME INCLUDE dir SOURCES a.cpp ... PUBLIC lib ... PRIVATE lib ...)
# A static library of this project; its headers are in dir.
function(rankwire_library name)
  cmake_parse_arguments(arg "" "INCLUDE" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  if(arg_INCLUDE)
    target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${arg_INCLUDE}>)
  endif()
  target_link_libraries(${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE}
                                $<BUILD_INTERFACE:rankwire_flags>)
endfunction()

# rankwire_program(NAME SOURCES a.cpp ... LIBRARIES lib ...)
# A program in build/bin.
function(rankwire_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} rankwire_flags)
endfunction()

# Lets a program elsewhere build against this build folder:
#   find_package(rankwire)   with -Drankwire_DIR=/path/to/rankwire/build
# gives rankwire::rankwire. A program that takes this tree in by add_subdirectory gets the same name.

include(CMakePackageConfigHelpers)

# Our headers are C++20, whatever the program's own standard is.
target_compile_features(rankwire_core PUBLIC cxx_std_20)

# rankwire_flags goes along since it stands behind the static libraries, which pass on what it says
# to the linker (a sanitizer) and nothing of what it says to the compiler.
set(rankwire_exported rankwire rankwire_core rankwire_inproc rankwire_flags)
if(RANKWIRE_WITH_MPI)
  list(APPEND rankwire_exported rankwire_mpi)
endif()
if(RANKWIRE_WITH_ZMQ)
  list(APPEND rankwire_exported rankwire_zmq)
endif()
export(
  TARGETS ${rankwire_exported}
  NAMESPACE rankwire::
  FILE ${PROJECT_BINARY_DIR}/rankwireTargets.cmake)

configure_file(${CMAKE_CURRENT_LIST_DIR}/rankwireConfig.cmake.in
               ${PROJECT_BINARY_DIR}/rankwireConfig.cmake @ONLY)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/rankwireConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)

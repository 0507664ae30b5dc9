# Lets a program elsewhere build against this project:
#   find_package(rankwire)   with -Drankwire_DIR=/path/to/rankwire/build, or where it is installed
#   pkg-config rankwire      where it is installed
# gives rankwire::rankwire. A program that takes this tree in by add_subdirectory gets the same name.
# What is installed may be moved: nothing in it names its prefix.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# Our headers are C++20, whatever the program's own standard is.
target_compile_features(rankwire_core PUBLIC cxx_std_20)

get_property(rankwire_libraries GLOBAL PROPERTY rankwire_backend_libraries)
list(TRANSFORM rankwire_libraries REPLACE "^rankwire_" "" OUTPUT_VARIABLE rankwire_backends)
list(PREPEND rankwire_libraries rankwire rankwire_core)

# Of the build folder. rankwire_flags goes along since it stands behind the static libraries, which
# pass on what it says to the linker (a sanitizer) and nothing of what it says to the compiler.
export(
  TARGETS ${rankwire_libraries} rankwire_flags
  NAMESPACE rankwire::
  FILE ${PROJECT_BINARY_DIR}/rankwireTargets.cmake)

set(folder ${CMAKE_INSTALL_LIBDIR}/cmake/rankwire)
configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/rankwireConfig.cmake.in ${PROJECT_BINARY_DIR}/rankwireConfig.cmake
  INSTALL_DESTINATION ${folder} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/rankwireConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)

# Installed also where this tree is a part of another: what that one installs may need it.
install(TARGETS ${rankwire_libraries} EXPORT rankwireTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT rankwireTargets NAMESPACE rankwire:: DESTINATION ${folder})
install(FILES ${PROJECT_BINARY_DIR}/rankwireConfig.cmake
              ${PROJECT_BINARY_DIR}/rankwireConfigVersion.cmake DESTINATION ${folder})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/core/include/ ${PROJECT_SOURCE_DIR}/backends/include/
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/rankwire)
if(PROJECT_IS_TOP_LEVEL)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples
          DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/rankwire
          FILES_MATCHING PATTERN "*.cpp" PATTERN "CMakeLists.txt" PATTERN "build*" EXCLUDE)
endif()

# rankwire is the one that users call; the others have names that are not ours alone (ImageMagick has
# a compare), so they stand in a folder of their own, with the launcher that they start beside them.
set(programs ${CMAKE_INSTALL_LIBEXECDIR}/rankwire)
foreach(program product compare raw_mpi_hello)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${programs})
  endif()
endforeach()
if(TARGET rankwire_program)
  install(TARGETS rankwire_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(TARGETS rankwire_program RUNTIME DESTINATION ${programs})
endif()

# For those who build without CMake. All of ours are static, so whoever links them needs what they
# need: Requires and Libs, not their private forms, which stay out without --static.
set(rankwire_pc_libraries "")
foreach(library ${rankwire_libraries})
  if(NOT library STREQUAL "rankwire_core")
    string(APPEND rankwire_pc_libraries " -l${library}")
  endif()
endforeach()
string(APPEND rankwire_pc_libraries " -lrankwire_core")  # which the others call, so after them
if(RANKWIRE_WITH_MPI)
  set(MPI_CXX_SKIP_MPICXX ON)
  find_package(MPI REQUIRED COMPONENTS CXX)
  list(JOIN MPI_CXX_LIBRARIES " " mpi_libraries)
  string(APPEND rankwire_pc_libraries " ${mpi_libraries}")
endif()
set(rankwire_pc_requires "spdlog, fmt, tomlplusplus")
if(RANKWIRE_WITH_ZMQ)
  string(APPEND rankwire_pc_requires ", libzmq >= 4.3")
endif()
# The way from the file's own folder, wherever that may be moved to.
file(RELATIVE_PATH rankwire_pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_CURRENT_LIST_DIR}/rankwire.pc.in ${PROJECT_BINARY_DIR}/rankwire.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/rankwire.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

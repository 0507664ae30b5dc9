# rankwire_mpi_test(NAME name PROGRAM target RANKS 1 2 ... [MPIEXEC_OPTIONS --option ...]
#                   [ARGUMENTS argument ...] [TIMEOUT seconds] [PASS regular_expression])
# Registers `target` as the tests name.1, name.2, ...: one for each number of ranks, under mpiexec.
# A test passes by mpiexec's exit code, or by what is printed where PASS is given.

# Open MPI refuses to run as root unless told otherwise; containers often know no other user.
execute_process(COMMAND id -u OUTPUT_VARIABLE rankwire_user OUTPUT_STRIP_TRAILING_WHITESPACE)
set(rankwire_mpi_environment "")
if(rankwire_user STREQUAL "0")
  set(rankwire_mpi_environment OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1)
endif()

function(rankwire_mpi_test)
  cmake_parse_arguments(arg "" "NAME;PROGRAM;TIMEOUT;PASS" "RANKS;MPIEXEC_OPTIONS;ARGUMENTS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  foreach(ranks ${arg_RANKS})
    set(name ${arg_NAME}.${ranks})
    # More ranks than cores: none may hold a core to itself, in our code or in MPI's own waits.
    add_test(NAME ${name}
             COMMAND ${MPIEXEC_EXECUTABLE} --oversubscribe --bind-to none --mca mpi_yield_when_idle 1
                     ${arg_MPIEXEC_OPTIONS} -n ${ranks} $<TARGET_FILE:${arg_PROGRAM}>
                     ${arg_ARGUMENTS})
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${rankwire_mpi_environment}" TIMEOUT
                                            ${arg_TIMEOUT} LABELS mpi)
    if(arg_PASS)
      set_tests_properties(${name} PROPERTIES PASS_REGULAR_EXPRESSION "${arg_PASS}")
    endif()
  endforeach()
endfunction()

# f2m_room(NAME SOURCES a.c b.c… [USES room…] [LIBRARIES target…])
# One static library per room of plugin/. USES names the rooms it may include from: the link
# graph is the dependency rule of docs/architecture.md.
function(f2m_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  add_library(f2m_${name} STATIC ${ROOM_SOURCES})
  list(TRANSFORM ROOM_USES PREPEND f2m_)
  target_link_libraries(f2m_${name} PUBLIC f2m_options ${ROOM_USES} PRIVATE ${ROOM_LIBRARIES})
endfunction()

# f2m_unit_test(NAME SOURCES test.c… [USES room…] [LIBRARIES target…])
# One Check executable per module; ctest runs it under its name.
function(f2m_unit_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;USES;LIBRARIES" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  list(TRANSFORM TEST_USES PREPEND f2m_)
  target_link_libraries(${name} PRIVATE f2m_options ${TEST_USES} ${TEST_LIBRARIES} PkgConfig::CHECK Threads::Threads)
  target_compile_definitions(${name} PRIVATE F2M_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  # Check's macros compare through intmax_t casts and pass a NULL format tail.
  target_compile_options(${name} PRIVATE -Wno-conversion -Wno-pedantic -Wno-variadic-macros)
  if(F2M_VALGRIND)
    # Check forks per test; valgrind's exit code of a child makes that test fail.
    add_test(NAME unit/${name} COMMAND valgrind --quiet --error-exitcode=99 --leak-check=full
             --errors-for-leak-kinds=definite $<TARGET_FILE:${name}>)
    set_tests_properties(unit/${name} PROPERTIES TIMEOUT 600 LABELS unit ENVIRONMENT CK_TIMEOUT_MULTIPLIER=30)
  else()
    add_test(NAME unit/${name} COMMAND ${name})
    set_tests_properties(unit/${name} PROPERTIES TIMEOUT 120 LABELS unit)
  endif()
endfunction()

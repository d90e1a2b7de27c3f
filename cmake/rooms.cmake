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
    set_tests_properties(unit/${name} PROPERTIES TIMEOUT 600 LABELS unit ENVIRONMENT "CK_TIMEOUT_MULTIPLIER=30;F2M_VALGRIND=1")
  else()
    add_test(NAME unit/${name} COMMAND ${name})
    # Check kills a test after 4 s by default, which a busy machine takes for a healthy one.
    set_tests_properties(unit/${name} PROPERTIES TIMEOUT 300 LABELS unit ENVIRONMENT CK_DEFAULT_TIMEOUT=120)
  endif()
endfunction()

# f2m_integration_test(FOLDER FILE): one ctest test per file of tests/integration/FOLDER, run by pytest with the
# programs of this build and the harness of tests/integration/support.
function(f2m_integration_test folder file)
  string(REGEX REPLACE "^test_(.*)\\.py$" "\\1" name "${file}")
  set(name "integration/${folder}/${name}")
  add_test(NAME ${name} COMMAND ${F2M_PYTHON} -m pytest -q -p no:cacheprovider -W ignore::DeprecationWarning
           "${PROJECT_SOURCE_DIR}/tests/integration/${folder}/${file}")
  set(environment PYTHONDONTWRITEBYTECODE=1 "PYTHONPATH=${PROJECT_SOURCE_DIR}/tests/integration/support")
  if(TARGET flip2mqtt)
    list(APPEND environment "F2M_FLIP2MQTT=$<TARGET_FILE:flip2mqtt>")
  endif()
  if(TARGET flip-sim)
    list(APPEND environment "F2M_FLIP_SIM=$<TARGET_FILE:flip-sim>")
  endif()
  if(TARGET f2m_shim)
    list(APPEND environment "F2M_SHIM=$<TARGET_FILE:f2m_shim>")
  endif()
  set_tests_properties(${name} PROPERTIES LABELS integration TIMEOUT 300 ENVIRONMENT "${environment}")
endfunction()

# One INTERFACE target carries every flag; nothing is set globally.
include(CheckCCompilerFlag)

add_library(f2m_options INTERFACE)
target_compile_features(f2m_options INTERFACE c_std_17)
target_include_directories(f2m_options INTERFACE "${PROJECT_SOURCE_DIR}/plugin")
target_compile_definitions(f2m_options INTERFACE _GNU_SOURCE F2M_VERSION="${PROJECT_VERSION}")
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

target_compile_options(f2m_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wvla -Wformat=2 -Wundef -Wpointer-arith -Wcast-qual -Wwrite-strings
  -Wnull-dereference -Wno-format-zero-length
  # clang does not read the comments that uthash's macros say it with, and counts positional initializers of tables.
  $<$<C_COMPILER_ID:GNU>:-Wimplicit-fallthrough> $<$<C_COMPILER_ID:Clang>:-Wno-missing-field-initializers>
  $<$<BOOL:${F2M_WERROR}>:-Werror>)

# Hardening (OpenSSF compiler guide); each is tested, since clang 14 lacks some.
set(hardening -fstack-protector-strong -fstack-clash-protection -fno-delete-null-pointer-checks)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  list(APPEND hardening -mbranch-protection=standard)
else()
  list(APPEND hardening -fcf-protection=full)
endif()
if(NOT F2M_VALGRIND) # it would hide the reads of uninitialised memory that valgrind looks for
  list(APPEND hardening -ftrivial-auto-var-init=zero)
endif()
foreach(flag ${hardening})
  string(MAKE_C_IDENTIFIER "F2M_HAVE${flag}" have)
  check_c_compiler_flag("${flag}" ${have})
  if(${have})
    target_compile_options(f2m_options INTERFACE ${flag})
  endif()
endforeach()
if(NOT F2M_SANITIZE) # the sanitizers do not know the fortified functions
  target_compile_options(f2m_options INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>)
endif()
target_link_options(f2m_options INTERFACE
  -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
include(CheckPIESupported)
check_pie_supported()

if(F2M_SANITIZE)
  string(REPLACE ";" "," sanitizers "${F2M_SANITIZE}")
  target_compile_options(f2m_options INTERFACE
    -fsanitize=${sanitizers} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(f2m_options INTERFACE -fsanitize=${sanitizers})
endif()
if(F2M_COVERAGE)
  target_compile_options(f2m_options INTERFACE --coverage -fprofile-abs-path)
  target_link_options(f2m_options INTERFACE --coverage)
endif()

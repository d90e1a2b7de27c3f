# Every library comes from Debian 12 (script/bootstrap installs them) and has a .pc file.
# A room links only what it owns: third-party headers stay in one room each (tests/lint).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(MOSQUITTO REQUIRED IMPORTED_TARGET libmosquitto>=2.0.11)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl>=7.88)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(FYAML REQUIRED IMPORTED_TARGET libfyaml)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3>=3.40)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.75)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(SSL REQUIRED IMPORTED_TARGET libssl)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
if(BUILD_TESTING)
  pkg_check_modules(CHECK REQUIRED IMPORTED_TARGET check)
  # Debian's python modules (pytest, paho, jsonschema) belong to Debian's python, whatever stands first on the PATH.
  find_program(F2M_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
endif()

# cmake -DOUT=presets.c -DDIR=config/presets -P embed_presets.cmake: the presets as bytes in a C file.
file(GLOB files "${DIR}/*.yaml")
list(SORT files)
set(arrays "")
set(rows "")
foreach(file ${files})
  get_filename_component(name "${file}" NAME_WE)
  string(MAKE_C_IDENTIFIER "preset_${name}" id)
  file(READ "${file}" hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND arrays "static const unsigned char ${id}[] = {${bytes}0};\n")
  string(APPEND rows "    {\"${name}\", (const char *)${id}},\n")
endforeach()
file(WRITE "${OUT}" "/* Generated from config/presets/ by embed_presets.cmake. */
#include \"config/preset.h\"

#include <stddef.h>

${arrays}
const struct f2m_preset_text f2m_preset_texts[] = {
${rows}    {NULL, NULL},
};
")

# SPDX-License-Identifier: BSD-3-Clause
# How every target of the project is compiled.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

set(MISTAMOVER_SANITIZE "" CACHE STRING "Sanitizers to build with, as -fsanitize= takes them")

add_library(mistamover_build_options INTERFACE)
target_compile_options(mistamover_build_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Werror)
target_link_libraries(mistamover_build_options INTERFACE Threads::Threads)
if(MISTAMOVER_SANITIZE)
  add_compile_options(-fsanitize=${MISTAMOVER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${MISTAMOVER_SANITIZE})
  # Half of the time that a program takes to start would go into moving the sanitizers' tables to a random address.
  string(APPEND CMAKE_EXE_LINKER_FLAGS " -no-pie")
endif()

# mistamover_add_core_library(NAME sources...): one folder of core/ as a static library, mistamover::NAME.
function(mistamover_add_core_library name)
  add_library(mistamover_${name} STATIC ${ARGN})
  add_library(mistamover::${name} ALIAS mistamover_${name})
  target_include_directories(mistamover_${name} PUBLIC ${PROJECT_SOURCE_DIR}/core)
  target_link_libraries(mistamover_${name} PRIVATE mistamover_build_options)
endfunction()

# mistamover_add_plugin(NAME sources...): a bundled transfer module, lib/mistamover/plugins/libmistamover-NAME.so.
function(mistamover_add_plugin name)
  add_library(mistamover-${name} MODULE ${ARGN})
  target_compile_options(mistamover-${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
  target_link_libraries(mistamover-${name} PRIVATE mistamover_build_options MiStaMover::sdk)
  set_target_properties(mistamover-${name} PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY ${MISTAMOVER_PLUGIN_OUTPUT_DIRECTORY})
  install(TARGETS mistamover-${name} LIBRARY DESTINATION ${MISTAMOVER_PLUGIN_SUBDIR})
endfunction()

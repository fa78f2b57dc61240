# SPDX-License-Identifier: BSD-3-Clause
# Each step stops the test where it fails; later steps may use everything that earlier ones made.
set(PREFIX ${WORK_DIR}/prefix)
set(PROGRAM ${PREFIX}/bin/mistamover)
file(REMOVE_RECURSE ${WORK_DIR})
file(MAKE_DIRECTORY ${WORK_DIR})

# step(WANTED_EXIT_CODE command...): its output, both streams, in `output`.
function(step wanted)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${WORK_DIR}
    RESULT_VARIABLE result OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT result STREQUAL wanted)
    message(FATAL_ERROR "${ARGN}\nended with ${result} instead of ${wanted}:\n${text}")
  endif()
  set(output "${text}" PARENT_SCOPE)
endfunction()

# expect(text...): each is in the last step's output.
function(expect)
  foreach(wanted IN LISTS ARGN)
    string(FIND "${output}" "${wanted}" at)
    if(at EQUAL -1)
      message(FATAL_ERROR "\"${wanted}\" is not in:\n${output}")
    endif()
  endforeach()
endfunction()

step(0 ${CMAKE_COMMAND} --install ${BUILD_DIR} --prefix ${PREFIX})
foreach(file bin/mistamover lib/libmistamover_sdk.a lib/mistamover/plugins/libmistamover-local.so
    include/mistamover/plugin.hpp lib/cmake/MiStaMover/MiStaMoverConfig.cmake
    lib/cmake/MiStaMover/MiStaMoverConfigVersion.cmake lib/cmake/MiStaMover/MiStaMoverTargets.cmake)
  if(NOT EXISTS ${PREFIX}/${file})
    message(FATAL_ERROR "${file} was not installed")
  endif()
endforeach()

# A copy of the example, so that it can see nothing of the source tree.
file(COPY ${EXAMPLE_DIR}/ DESTINATION ${WORK_DIR}/source)
step(0 ${CMAKE_COMMAND} -G ${GENERATOR} -S ${WORK_DIR}/source -B ${WORK_DIR}/build
  -DCMAKE_PREFIX_PATH=${PREFIX} -DCMAKE_CXX_COMPILER=${CXX_COMPILER}
  -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Wpedantic -Werror")
step(0 ${CMAKE_COMMAND} --build ${WORK_DIR}/build)

step(0 ${PROGRAM} plugins info ${WORK_DIR}/build/libmistamover-drop.so)
expect("drop" "Drops plain files" "publish_rename" "file_mode" "0644")

step(2 ${PROGRAM} plugins info drop)
expect("libmistamover-drop.so: there is no plugin of this name")
step(0 ${CMAKE_COMMAND} --install ${WORK_DIR}/build --prefix ${PREFIX})
step(0 ${PROGRAM} plugins info drop)
expect("${PREFIX}/lib/mistamover/plugins/libmistamover-drop.so")
step(0 ${PROGRAM} plugins list)
expect("drop" "local")

# A one-off run that moves a file with it.
file(MAKE_DIRECTORY ${WORK_DIR}/data/proj1 ${WORK_DIR}/target ${WORK_DIR}/streams.d)
file(WRITE ${WORK_DIR}/data/proj1/greeting "hello, target\n")
file(WRITE ${WORK_DIR}/mistamover.yaml "global: {top: ${WORK_DIR}, config_dir: streams.d, base_data_dir: ${WORK_DIR}/data}\n")
file(WRITE ${WORK_DIR}/streams.d/proj1.yaml "outgoing: {plugin: drop, target_dir: ${WORK_DIR}/target}\n")
step(0 ${PROGRAM} run --one-off ${WORK_DIR}/mistamover.yaml)
if(NOT EXISTS ${WORK_DIR}/target/greeting)
  message(FATAL_ERROR "the file was not delivered:\n${output}")
endif()
file(READ ${WORK_DIR}/target/greeting delivered)
if(NOT delivered STREQUAL "hello, target\n" OR EXISTS ${WORK_DIR}/data/proj1/greeting)
  message(FATAL_ERROR "the file was not moved whole:\n${output}")
endif()

# Good plugins are listed beside refused ones, whatever those do to the process that loads them.
file(WRITE ${WORK_DIR}/many.yaml "global: {top: ${WORK_DIR}}\nplugins: {path: [${BUILD_DIR}/tests/plugins]}\n")
step(0 ${PROGRAM} plugins list ${WORK_DIR}/many.yaml)
expect("Does nothing, well" "Was built with SDK 1.0" "Drops plain files" "Refused:"
  "libmistamover-crashes.so: crashed" "Segmentation fault"
  "libmistamover-exits.so: ended the process" "libmistamover-hangs.so: did not finish loading within 10s"
  "libmistamover-throws.so: threw an exception while it was loaded: no licence found"
  "libmistamover-other_major.so: it was built for version 2."
  "libmistamover-other_fingerprint.so: it was built in another way" "libmistamover-not_a_plugin.so: not a MiStaMover plugin")
step(2 ${PROGRAM} plugins info crashes ${WORK_DIR}/many.yaml)
expect("libmistamover-crashes.so: crashed")
step(0 ${PROGRAM} plugins info good ${WORK_DIR}/many.yaml)
expect("colour" "red|green" "password")

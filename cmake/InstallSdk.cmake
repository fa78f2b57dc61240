# SPDX-License-Identifier: BSD-3-Clause
# What third parties build plugins with: find_package(MiStaMover). `lib`, not a multiarch directory, so that it lies
# beside lib/mistamover/plugins in any prefix.
include(CMakePackageConfigHelpers)
set(MISTAMOVER_PACKAGE_DIR lib/cmake/MiStaMover)

install(TARGETS mistamover_sdk EXPORT MiStaMoverTargets ARCHIVE DESTINATION lib)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/core/include/mistamover DESTINATION include FILES_MATCHING PATTERN *.hpp)
install(EXPORT MiStaMoverTargets NAMESPACE MiStaMover:: DESTINATION ${MISTAMOVER_PACKAGE_DIR})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/MiStaMoverConfig.cmake.in
  ${CMAKE_BINARY_DIR}/cmake/MiStaMoverConfig.cmake
  INSTALL_DESTINATION ${MISTAMOVER_PACKAGE_DIR})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/cmake/MiStaMoverConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_BINARY_DIR}/cmake/MiStaMoverConfig.cmake
  ${CMAKE_BINARY_DIR}/cmake/MiStaMoverConfigVersion.cmake
  DESTINATION ${MISTAMOVER_PACKAGE_DIR})

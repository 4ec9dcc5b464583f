# Installs libraries, headers, the command, and a package for find_package(Mneme). The package ships FindLibTorch and
# looks for the torch that Mneme was built with; another one of the same version may be named with MNEME_TORCH_DIR.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/Mneme")

set(libraries mneme_base)
if(TARGET mneme)
  list(APPEND libraries mneme)
endif()
install(TARGETS ${libraries} EXPORT MnemeTargets ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
if(TARGET mneme_cli)
  install(TARGETS mneme_cli RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/mneme" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        FILES_MATCHING PATTERN "*.hpp")
install(EXPORT MnemeTargets NAMESPACE Mneme:: DESTINATION "${package_dir}")
configure_package_config_file(cmake/MnemeConfig.cmake.in "${PROJECT_BINARY_DIR}/generated/MnemeConfig.cmake"
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/generated/MnemeConfigVersion.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(
  FILES "${PROJECT_BINARY_DIR}/generated/MnemeConfig.cmake"
        "${PROJECT_BINARY_DIR}/generated/MnemeConfigVersion.cmake" cmake/FindLibTorch.cmake
        cmake/LocateLibTorch.cmake
  DESTINATION "${package_dir}")

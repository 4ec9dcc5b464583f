# find_package(LibTorch): the targets LibTorch::c10, LibTorch::torch_cpu and LibTorch::torch, made without torch's own
# TorchConfig.cmake (which would ask for CUDA's compiler). Only torch_cpu and c10 are linked: a CUDA build's
# libtorch_cuda stands beside them and is loaded at run time.
# Output: LibTorch_FOUND, LibTorch_DIR, LibTorch_VERSION, LibTorch_LIBRARY_DIR. What is searched: LocateLibTorch.cmake.
set(MNEME_TORCH_DIR "" CACHE PATH "Folder of torch: the one that holds include/ and lib/")
include("${CMAKE_CURRENT_LIST_DIR}/LocateLibTorch.cmake")
mneme_locate_libtorch()

set(LibTorch_FOUND FALSE)
if(NOT LibTorch_PROBLEM STREQUAL "")
  if(LibTorch_FIND_REQUIRED)
    message(FATAL_ERROR "Mneme: ${LibTorch_PROBLEM}")
  elseif(NOT LibTorch_FIND_QUIETLY)
    message(STATUS "Mneme: ${LibTorch_PROBLEM}")
  endif()
  return()
endif()

set(LibTorch_FOUND TRUE)
set(LibTorch_LIBRARY_DIR "${LibTorch_DIR}/lib")
# Remembered, so that a later configure from a shell without LIBTORCH or without that Python finds the same one.
set(MNEME_TORCH_REMEMBERED "${LibTorch_DIR}" CACHE INTERNAL "torch folder of the last good configure")
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS LibTorch_DIR VERSION_VAR LibTorch_VERSION)

if(NOT TARGET LibTorch::torch)
  foreach(library c10 torch_cpu)
    add_library(LibTorch::${library} SHARED IMPORTED)
    set_target_properties(
      LibTorch::${library}
      PROPERTIES IMPORTED_LOCATION "${LibTorch_LIBRARY_DIR}/lib${library}.so"
                 INTERFACE_INCLUDE_DIRECTORIES
                 "${LibTorch_DIR}/include;${LibTorch_DIR}/include/torch/csrc/api/include")
  endforeach()
  set_property(TARGET LibTorch::torch_cpu PROPERTY INTERFACE_LINK_LIBRARIES LibTorch::c10)
  add_library(LibTorch::torch INTERFACE IMPORTED)
  set_property(TARGET LibTorch::torch PROPERTY INTERFACE_LINK_LIBRARIES LibTorch::torch_cpu)
endif()

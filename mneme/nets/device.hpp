// Devices by name. The command is linked to libtorch's CPU part; the CUDA part beside it is loaded when it is first
// asked for, on machines that have a driver.
#pragma once

#include <c10/core/Device.h>

#include <filesystem>
#include <string>

namespace mneme {

/// "cpu", "cuda", or "auto": cuda where one is usable. ConfigError says why cuda is not usable where it was asked for.
[[nodiscard]] at::Device find_device(std::string const& name);

/// Why no CUDA device is usable; empty: the first one is. A program that is not linked to CUDA asks this, or for a
/// device, before its first convolution or backward pass: torch looks for CUDA once, and keeps what it found.
[[nodiscard]] std::string cuda_obstacle();

/// The folder of the libtorch that this process runs on.
[[nodiscard]] std::filesystem::path torch_folder();

}  // namespace mneme

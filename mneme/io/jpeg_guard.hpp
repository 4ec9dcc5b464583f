// A check that stands before stb_image, whose versions up to 2.27 write past a table when a JPEG file announces more
// than 256 Huffman codes, and misread one of exactly 256.
#pragma once

#include <cstdint>
#include <span>

namespace mneme {

/// False when a Huffman table in the file announces more than 255 codes. Says nothing else about the file: what is no
/// JPEG, or is damaged elsewhere, is left to the decoder.
bool jpeg_tables_fit(std::span<std::uint8_t const> bytes);

}  // namespace mneme

// Omniglot (Lake, Salakhutdinov, Tenenbaum 2015) as published: zip archives of
// <archive>/<alphabet>/<character>/<number>_<drawing>.png, black strokes on white, 105 x 105, 20 drawings of each
// character by 20 people.
#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>
#include <string>
#include <vector>

#include "mneme/io/labelled.hpp"
#include "mneme/io/zip.hpp"

namespace mneme {

struct OmniglotOptions {
  bool alphabets = false;  // classes are alphabets, not characters
  std::int64_t size = 0;   // height and width; 0: as found
  int first_drawing = 1;   // of each character, by the number in the file's name
  int last_drawing = 1000;
};

/// Pictures [N, 1, size, size] with the strokes bright on black, as MNIST has them: 255 - the resized picture. Rows are
/// sorted by alphabet, character and file; classes are named "<alphabet>/<character>" or "<alphabet>". A drawing that
/// two archives hold counts once. `sha256` is over "<alphabet>/<character>/<file>\n" and the bytes of each file, in the
/// order of the rows. DataError on a damaged archive or picture, a file whose name has no number of a drawing, pictures
/// of two sizes, or no drawings at all.
LabelledData read_omniglot(std::vector<std::filesystem::path> const& archives, OmniglotOptions const& options = {});

/// The same from archives that are open; they are borrowed.
LabelledData read_omniglot(std::vector<ZipReader> const& archives, OmniglotOptions const& options);

}  // namespace mneme

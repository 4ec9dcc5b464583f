// Samples from outside a run brought to the shape that its learner takes, as its stream brought its own.
#pragma once

#include <string>
#include <vector>

#include "mneme/io/image_file.hpp"
#include "stored.hpp"

namespace mneme::app {

/// Bytes [channels, height, width].
[[nodiscard]] at::Tensor bytes_of(Image const& image);

class Fitting {
 public:
  Fitting(StoredArm const& arm, DataLibrary& library);

  /// The shape of a sample.
  [[nodiscard]] std::vector<std::int64_t> const& shape() const { return shape_; }
  /// Samples [N, ...] in that shape: images that are of the size of one of the stream's sets get what that set got,
  /// rows of as many numbers are taken as they lie. DataError for samples of any other shape, named `what`.
  [[nodiscard]] at::Tensor samples(at::Tensor const& x, std::string const& what) const;
  /// A picture in that shape: as above where it is of such a size, else resized.
  [[nodiscard]] Image picture(Image const& image) const;
  /// Throws DataError where the learner takes no images.
  void refuse_pictures(std::string const& file) const;

 private:
  std::vector<std::int64_t> shape_;
  bool words_;
  std::string fit_;                                 // of the stream: pad or resize; empty: its sets stay as they are
  std::vector<std::vector<std::int64_t>> natural_;  // shapes of its sets before
};

}  // namespace mneme::app

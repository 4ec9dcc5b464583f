#include "fitting.hpp"

#include <torch/types.h>

#include <algorithm>
#include <cstring>

#include "mneme/core/errors.hpp"
#include "mneme/core/extents.hpp"
#include "mneme/stream/making.hpp"

namespace mneme::app {

at::Tensor bytes_of(Image const& image) {
  auto tensor = at::empty({image.channels, image.height, image.width}, at::kByte);
  std::memcpy(tensor.mutable_data_ptr(), image.pixels.data(), image.pixels.size());
  return tensor;
}

Fitting::Fitting(StoredArm const& arm, DataLibrary& library) {
  auto const& test = arm.loaded.stream.tested().front()->test;
  shape_ = test.sample_shape();
  words_ = test.data().scalar_type() == at::kLong;
  auto const& stream = arm.plan.tree.at("stream");
  if (stream.at("kind") != "domain" || shape_.size() != 3) return;
  fit_ = stream.at("fit").get<std::string>();
  for (auto const& name : stream.at("datasets"))
    natural_.push_back(library.get(arm.plan.tree, plain_name(name), "train").sample_shape());
}

at::Tensor Fitting::samples(at::Tensor const& x, std::string const& what) const {
  std::vector<std::int64_t> const found = x.sizes().slice(1).vec();
  if (words_ != (x.scalar_type() == at::kLong))
    throw DataError(what + ": holds " + (words_ ? "no words" : "words") + ", the run's learner takes " +
                    (words_ ? "the ids of words" : "numbers or pictures"));
  if (found == shape_) return x;
  if (std::ranges::find(natural_, found) != natural_.end()) {
    if (x.scalar_type() != at::kByte)
      throw DataError(what + ": images of " + extents_text(found) +
                      " that are no whole values from 0 to 255; only those "
                      "are brought to " +
                      extents_text(shape_) + ", which the run's learner takes");
    return framed(x, shape_, fit_);
  }
  bool const as_many = c10::multiply_integers(found) == c10::multiply_integers(shape_);
  bool const flat = found.size() == 1 || shape_.size() == 1;
  bool const gray = shape_.size() == 3 && shape_[0] == 1 && found.size() == 2 && found[0] == shape_[1];
  if (!as_many || !(flat || gray))
    throw DataError(what + ": samples of " + extents_text(found) + ", the run's learner takes " + extents_text(shape_));
  auto whole = shape_;
  whole.insert(whole.begin(), x.size(0));
  return x.reshape(whole);
}

Image Fitting::picture(Image const& image) const {
  auto const of_size = [&](std::vector<std::int64_t> const& shape) {
    return shape.size() == 3 && shape[1] == image.height && shape[2] == image.width;
  };
  bool const of_a_set = std::ranges::any_of(natural_, of_size);
  auto const sized = of_a_set || of_size(shape_) ? image : resize_image(image, shape_[1], shape_[2]);
  auto const whole = framed(bytes_of(sized).unsqueeze(0), shape_, of_a_set ? fit_ : "resize").contiguous();
  Image made{.channels = shape_[0], .height = shape_[1], .width = shape_[2], .pixels = {}};
  auto const* first = whole.const_data_ptr<std::uint8_t>();
  made.pixels.assign(first, first + whole.numel());
  return made;
}

void Fitting::refuse_pictures(std::string const& file) const {
  if (shape_.size() != 3)
    throw DataError(file + ": holds pictures, the run's learner takes rows of " + extents_text(shape_) +
                    " numbers or words");
}

}  // namespace mneme::app

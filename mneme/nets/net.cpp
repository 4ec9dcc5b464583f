#include "mneme/nets/net.hpp"

#include <torch/types.h>

#include "mneme/core/errors.hpp"

namespace mneme {

void Net::check(at::Tensor const& data) const {
  if (data.scalar_type() == at::kLong)
    throw DataError(
        "the samples are token ids, and this net reads numbers; use net = \"embedding-bag\" or \"transformer\"");
}

}  // namespace mneme

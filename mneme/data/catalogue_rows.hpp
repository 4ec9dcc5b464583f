// The rows of the catalogue, by families of sets, and what several rows are made with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mneme/data/catalogue.hpp"

namespace mneme {

/// MNIST and what took its form: gray images in idx files.
std::vector<CatalogueEntry> mnist_rows();
/// Every variant of EMNIST.
std::vector<CatalogueEntry> emnist_rows();
/// CIFAR-10, CIFAR-100 and SVHN.
std::vector<CatalogueEntry> colour_rows();
std::vector<CatalogueEntry> omniglot_rows();

/// The same file on every mirror.
CatalogueFile mirrored(std::vector<std::string> const& mirrors, CatalogueFile file);

/// A class name of each character.
std::vector<std::string> characters(std::string_view all);

}  // namespace mneme

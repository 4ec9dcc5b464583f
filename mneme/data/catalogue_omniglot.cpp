#include "mneme/data/catalogue_rows.hpp"

namespace mneme {
namespace {

CatalogueFile archive(std::string const& name, std::int64_t bytes, std::string const& sha256) {
  return mirrored({"https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"},
                  {.name = name, .bytes = bytes, .sha256 = sha256, .content_sha256 = sha256, .content_bytes = bytes});
}

/// A set of characters of which 16 drawings train and 4 test; the classes are named in the archives.
CatalogueEntry characters_of(std::string const& name, std::string const& what, std::vector<CatalogueFile> archives,
                             int classes) {
  constexpr int kDrawings = 20, kTrain = 16;
  CatalogueEntry entry;
  entry.name = name;
  entry.title = "Omniglot, " + what;
  entry.licence = "MIT, Copyright (c) 2015 Brenden Lake";
  entry.citation =
      "B. M. Lake, R. Salakhutdinov, J. B. Tenenbaum. Human-level concept learning through probabilistic program "
      "induction. Science 350(6266), 2015.";
  entry.homepage = "https://github.com/brendenlake/omniglot";
  entry.note =
      "drawings 1 to 16 of each character train, 17 to 20 test; resized from 105 x 105, strokes bright; not the split "
      "of chardata.mat";
  entry.format = SetFormat::kOmniglot;
  entry.train = std::move(archives);
  entry.test = entry.train;
  entry.train_drawings = kTrain;
  entry.classes = classes;
  entry.height = entry.width = 28;
  entry.train_count = std::int64_t{classes} * kTrain;
  entry.test_count = std::int64_t{classes} * (kDrawings - kTrain);
  entry.folders = {"omniglot", "Omniglot", "omniglot-py"};
  return entry;
}

}  // namespace

std::vector<CatalogueEntry> omniglot_rows() {
  return {characters_of("omniglot", "964 characters of 30 alphabets (the background set)",
                        {archive("images_background.zip", 9'464'212,
                                 "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640")},
                        964),
          characters_of("omniglot-evaluation", "659 characters of 20 alphabets (the evaluation set)",
                        {archive("images_evaluation.zip", 6'462'886,
                                 "1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee")},
                        659),
          characters_of("omniglot-small", "242 characters of 8 alphabets (the two small background sets)",
                        {archive("images_background_small1.zip", 1'319'022,
                                 "f38eb80f801274ac2b4dff5b24289016bfaba4a7d5bb50deebf27104ad6cb8a4"),
                         archive("images_background_small2.zip", 1'580'917,
                                 "3ccaa407515a8778e5d0861875af38b17e418f301ad5bb3b5a6b65d901a41c7f")},
                        242)};
}

}  // namespace mneme

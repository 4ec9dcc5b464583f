#include "mneme/report/html.hpp"

#include <gtest/gtest.h>

namespace mneme::html {
namespace {

// Wrong: a class name with markup becomes part of the page.
TEST(Html, EscapesMarkupQuotesAndControlBytes) {
  EXPECT_EQ(escape("<b a=\"1\" c='2'>&\x01\n"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;\n");
}

// Wrong: a string in the page's data ends the script element that holds it.
TEST(Html, ScriptJsonHoldsNoTagAndReadsBackTheSame) {
  Json const json = {{"name", "</script><!--"}};
  std::string const text = script_json(json);
  EXPECT_EQ(text.find('<'), std::string::npos);
  EXPECT_EQ(Json::parse(text), json);
}

// Wrong: a log with broken UTF-8 makes the report impossible.
TEST(Html, ScriptJsonReplacesInvalidUtf8) { EXPECT_EQ(script_json(Json("\xff")), "\"\xEF\xBF\xBD\""); }

// Wrong: pictures and links are damaged; vectors of RFC 4648.
TEST(Html, Base64) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
}

// Wrong: browsers refuse the page's own scripts. The digest of no bytes is known.
TEST(Html, CspHash) { EXPECT_EQ(csp_hash(""), "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="); }

// Wrong: numbers read "-0.0" or carry too many digits.
TEST(Html, Numbers) {
  EXPECT_EQ(fixed(64.04, 1), "64.0");
  EXPECT_EQ(fixed(-0.04, 1), "0.0");
  EXPECT_EQ(fixed(-0.06, 1), "-0.1");
  EXPECT_EQ(grouped(2435722), "2\u202f435\u202f722");
  EXPECT_EQ(grouped(-100), "-100");
  EXPECT_EQ(grouped(0), "0");
}

}  // namespace
}  // namespace mneme::html

// Text from outside, and what of it is shown.
#include "base/text.h"

#include <cstdint>

#include "support/catch.h"

namespace etcdrill {
namespace {

TEST_CASE("UTF-8 by RFC 3629") {
  for (const char* good : {"", "a", "\xc3\xa4", "\xe2\x82\xac", "\xed\x9f\xbf", "\xf0\x9f\x98\x80",
                           "\xf4\x8f\xbf\xbf"}) {
    CHECK(IsUtf8(good));
  }
  for (const char* bad :
       {"\xff", "\x80", "\xc3", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\xc3z"}) {
    CHECK_FALSE(IsUtf8(bad));
  }
}

TEST_CASE("what is shown moves no terminal") {
  CHECK(Shown("caf\xc3\xa9 \xe2\x82\xac") == "caf\xc3\xa9 \xe2\x82\xac");
  CHECK(Shown("\x1b[31mred\x1b[0m") == "\\x1b[31mred\\x1b[0m");
  CHECK(Shown("a\nb\rc\x7f") == "a\\x0ab\\x0dc\\x7f");
  CHECK(Shown("\xc2\x9b"
              "31m") == "\\xc2\\x9b31m");  // CSI in one character
  CHECK(Shown("\xff\xc3") == "\\xff\\xc3");
  CHECK(Shown(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(Shown("a\nb\x1b", "\n") == "a\nb\\x1b");
}

TEST_CASE("parts keep what is empty, and blanks go at the ends only") {
  using Parts = std::vector<std::string_view>;
  CHECK(Split("a,b", ',') == Parts{"a", "b"});
  CHECK(Split(",a,,b,", ',') == Parts{"", "a", "", "b", ""});
  CHECK(Split("", ',') == Parts{""});
  CHECK(Trim(" \t a b\n") == "a b");
  CHECK(Trim(" \n ").empty());
  CHECK(Trim("").empty());
  CHECK(Trim("\va\v", " \t") == "\va\v");
}

TEST_CASE("a number is all of a text, or none") {
  CHECK(ParseNumber<uint16_t>("65535") == 65535);
  CHECK(ParseNumber<int64_t>("-1") == -1);
  CHECK(ParseNumber<uint64_t>("ff", 16) == 255);
  for (const char* bad : {"", "-1", "+1", " 1", "1 ", "1a", "0x1", "65536"}) {
    CHECK_FALSE(ParseNumber<uint16_t>(bad).has_value());
  }
}

TEST_CASE("the nearest known word, if one is near") {
  const std::vector<std::string> known = {"verify", "version", "drill", "drills", "run"};
  CHECK(Nearest("verfy", known) == "verify");
  CHECK(Nearest("dril", known) == "drill");
  CHECK(Nearest("drillz", known) == "drill");
  CHECK(Nearest("backup", known).empty());
  CHECK(Nearest("xyz", known).empty());
  CHECK(Nearest("", known).empty());
}

}  // namespace
}  // namespace etcdrill

// Answers of S3, as servers write them, and such as none should.
#include "objects/s3/xml.h"
#include "support/catch.h"

namespace etcdrill::objects {
namespace {

TEST_CASE("an answer with a namespace, attributes, entities and comments") {
  const auto root = ParseXml(
      "\xef\xbb\xbf  <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- x > y -->"
      "<s3:ListBucketResult xmlns:s3=\"http://s3.amazonaws.com/doc/2006-03-01/\" a='>'>"
      "<Contents><Key> a&amp;b&lt;&#34;&#x1F600;&gt;&apos;&quot; </Key><Empty/></Contents>"
      "<Contents ><Key><![CDATA[<raw>&amp;]]></Key></Contents >"
      "</s3:ListBucketResult>\n");
  REQUIRE(root.ok());
  CHECK(root->name == "ListBucketResult");
  REQUIRE(root->children.size() == 2);
  CHECK(root->children[0].TextOf("Key") == " a&b<\"\xf0\x9f\x98\x80>'\" ");
  CHECK(root->children[0].Child("Empty") != nullptr);
  CHECK(root->children[0].TextOf("Empty").empty());
  CHECK(root->children[0].Child("Missing") == nullptr);
  CHECK(root->children[1].TextOf("Key") == "<raw>&amp;");
}

TEST_CASE("what is no such document is an error") {
  for (const char* text : {"",
                           " ",
                           "text",
                           "<a",
                           "<a>",
                           "<a></b>",
                           "</a>",
                           "<a></a><b/>",
                           "<a/>x",
                           "x<a/>",
                           "<a><b></a>",
                           "<>x</>",
                           "<a>&unknown;</a>",
                           "<a>&amp</a>",
                           "<a>&#0;</a>",
                           "<a>&#xD800;</a>",
                           "<a>&#x110000;</a>",
                           "<a>&#99999999999999;</a>",
                           "<a>&;</a>",
                           "<a>&#;</a>",
                           "<a>&#x;</a>",
                           "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
                           "<a><!-- </a>",
                           "<a><![CDATA[ </a>",
                           "<![CDATA[a]]>",
                           "<?xml",
                           "<a b=\"></a>",
                           "<a <b/></a>"}) {
    CAPTURE(text);
    CHECK(Is(ParseXml(text), Reason::kIoError));
  }
}

TEST_CASE("depth and number are bounded") {
  const auto nested = [](size_t depth) {
    std::string text;
    for (size_t i = 0; i < depth; ++i) text += "<a>";
    for (size_t i = 0; i < depth; ++i) text += "</a>";
    return text;
  };
  CHECK(ParseXml(nested(kXmlDepthMax)).ok());
  CHECK_FALSE(ParseXml(nested(kXmlDepthMax + 1)).ok());
  CHECK_FALSE(ParseXml(nested(1'000'000)).ok());
  std::string many = "<r>";
  for (size_t i = 0; i < kXmlElementsMax; ++i) many += "<a/>";
  CHECK_FALSE(ParseXml(many + "</r>").ok());
}

TEST_CASE("what is escaped is read back") {
  const std::string text = "<&>\"' \xc3\xa4 \t\n;";
  const auto root = ParseXml("<a>" + EscapeXml(text) + "</a>");
  REQUIRE(root.ok());
  CHECK(root->text == text);
}

}  // namespace
}  // namespace etcdrill::objects

// The signer against what Amazon published: its test suite of Signature Version 4 (get-vanilla and
// its like) and the examples of
// docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html.
#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/hmac.h"
#include "objects/s3/signer.h"
#include "support/catch.h"

namespace etcdrill::objects {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

struct Signed {
  HttpHeaders headers;
  std::string authorization;
};

Signed SignAt(const char* time, UnsignedRequest request, const Credentials& credentials,
              const SigningScope& scope) {
  Signed made{Sign(std::move(request), credentials, scope, *ParseRfc3339(time)), {}};
  made.authorization = made.headers.back().second;
  CHECK(made.headers.back().first == "authorization");
  return made;
}

std::string HashOf(std::string_view body) { return Hex(Sha256Of(body)); }

// The test suite's keys.
const Credentials kSuite{.access_key_id = "AKIDEXAMPLE",
                         .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
const SigningScope kSuiteScope{.region = "us-east-1", .service = "service"};
// Those of the examples of S3.
const Credentials kS3{.access_key_id = "AKIAIOSFODNN7EXAMPLE",
                      .secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};

Signed SignSuite(std::string_view query, const Credentials& credentials = kSuite) {
  const std::string nothing = HashOf("");
  return SignAt("2015-08-30T12:36:00Z",
                {"GET", "/", query, {{"host", "example.amazonaws.com"}}, nothing}, credentials,
                kSuiteScope);
}

TEST_CASE("HMAC-SHA256") {  // RFC 4231, test case 2
  CHECK(Hex(HmacSha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("the published suite: get-vanilla") {
  CHECK(SignSuite("").authorization ==
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST_CASE("the published suite: get-vanilla-query-order-key-case") {
  CHECK_THAT(SignSuite(EncodeQuery({{"Param2", "value2"}, {"Param1", "value1"}})).authorization,
             EndsWith("=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"));
}

struct Example {
  const char* method;
  const char* path;
  Query query;
  HttpHeaders headers;
  std::string_view body;
  const char* signature;
};

TEST_CASE("the examples of S3") {
  const Example example =
      GENERATE(Example{"GET",
                       "/test.txt",
                       {},
                       {{"range", "bytes=0-9"}},
                       "",
                       "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
               Example{"PUT",
                       "/test$file.text",
                       {},
                       {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                        {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                       "Welcome to Amazon S3.",
                       "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
               Example{"GET",
                       "/",
                       {{"lifecycle", ""}},
                       {},
                       "",
                       "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
               Example{"GET",
                       "/",
                       {{"prefix", "J"}, {"max-keys", "2"}},
                       {},
                       "",
                       "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"});
  HttpHeaders headers = example.headers;
  headers.emplace_back("host", "examplebucket.s3.amazonaws.com");
  const std::string hash = HashOf(example.body);
  headers.emplace_back("x-amz-content-sha256", hash);
  const std::string path = EncodePath(example.path);
  const std::string query = EncodeQuery(example.query);
  CHECK_THAT(SignAt("2013-05-24T00:00:00Z", {example.method, path, query, headers, hash}, kS3,
                    {.region = "us-east-1"})
                 .authorization,
             EndsWith(std::string("Signature=") + example.signature));
}

TEST_CASE("a session token is sent and signed") {
  Credentials credentials = kSuite;
  credentials.session_token = "the token";
  const Signed with = SignSuite("", credentials);
  CHECK_THAT(with.authorization,
             ContainsSubstring("SignedHeaders=host;x-amz-date;x-amz-security-token,"));
  CHECK(std::ranges::find(with.headers, std::pair<std::string, std::string>("x-amz-security-token",
                                                                            "the token")) !=
        with.headers.end());
  CHECK(with.authorization != SignSuite("").authorization);
}

TEST_CASE("what is encoded, and how") {
  CHECK(EncodePath("/a b/\xc3\xa4+%=:,~-_.") == "/a%20b/%C3%A4%2B%25%3D%3A%2C~-_.");
  CHECK(EncodeQuery({{"uploads", ""}}) == "uploads=");
  CHECK(EncodeQuery({{"prefix", "a/b c"}, {"delimiter", "/"}, {"a", "odd/#?;,"}}) ==
        "a=odd%2F%23%3F%3B%2C&delimiter=%2F&prefix=a%2Fb%20c");
  // Sorted as encoded: "B" before "a", and by value where the names are the same.
  CHECK(EncodeQuery({{"a", "2"}, {"B", "1"}, {"a", "1"}}) == "B=1&a=1&a=2");
}

TEST_CASE("runs of blanks in a value count as one") {
  const std::string nothing = HashOf("");
  const auto sign = [&](const char* value) {
    return SignAt("2015-08-30T12:36:00Z",
                  {"GET", "/", "", {{"host", "h"}, {"x-amz-meta-a", value}}, nothing}, kSuite,
                  kSuiteScope)
        .authorization;
  };
  CHECK(sign("b   c") == sign(" b c "));
  CHECK(sign("b c") != sign("bc"));
}

}  // namespace
}  // namespace etcdrill::objects

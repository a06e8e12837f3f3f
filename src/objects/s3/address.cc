#include "objects/s3/address.h"

#include <fmt/format.h>

#include "base/text.h"

namespace etcdrill::objects {
namespace {

constexpr std::string_view kHostLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";
constexpr std::string_view kBucketLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

bool HasOnly(std::string_view text, std::string_view letters) {
  return !text.empty() && text.find_first_not_of(letters) == std::string_view::npos;
}

std::string AmazonHost(std::string_view region) {
  return fmt::format("s3.{}.amazonaws.com{}", region, region.starts_with("cn-") ? ".cn" : "");
}

// Takes "SCHEME://" off the text, if it has one.
std::string_view TakeScheme(std::string_view& text) {
  for (const std::string_view scheme : {"https", "http"}) {
    if (!text.starts_with(scheme) || !text.substr(scheme.size()).starts_with("://")) continue;
    text.remove_prefix(scheme.size() + 3);
    return scheme;
  }
  return "https";
}

// libcurl would not send it, nor would any other client.
std::string_view WithoutOwnPort(std::string_view host, std::string_view scheme) {
  const std::string_view port = scheme == "https" ? ":443" : ":80";
  if (host.ends_with(port)) host.remove_suffix(port.size());
  return host;
}

bool IsVirtual(const S3Options& options, std::string_view host) {
  if (options.addressing != Addressing::kAuto) return options.addressing == Addressing::kVirtual;
  const bool is_amazon = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
  return is_amazon && options.bucket.find('.') == std::string::npos;
}

}  // namespace

Result<S3Address> S3AddressOf(const S3Options& options, std::string_view region) {
  if (!HasOnly(options.bucket, kBucketLetters) || options.bucket.starts_with('.'))
    return Error(Reason::kUsage, "\"{}\" is no name of a bucket: it has letters, digits, - and .",
                 Shown(options.bucket));
  if (!HasOnly(region, kBucketLetters))
    return Error(Reason::kUsage, "\"{}\" is no name of a region", Shown(region));
  std::string_view rest = Trim(options.endpoint);
  const std::string_view scheme = TakeScheme(rest);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  const std::string host =
      options.endpoint.empty() ? AmazonHost(region) : std::string(WithoutOwnPort(rest, scheme));
  if (!HasOnly(host, kHostLetters))
    return Error(Reason::kUsage,
                 "\"{}\" is no endpoint of an object store; write https://HOST or "
                 "http://HOST:PORT, without a path",
                 Shown(options.endpoint));
  if (!IsVirtual(options, host))
    return S3Address{std::string(scheme), host, fmt::format("/{}/", options.bucket)};
  return S3Address{std::string(scheme), fmt::format("{}.{}", options.bucket, host), "/"};
}

}  // namespace etcdrill::objects

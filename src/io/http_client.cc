// See http_client.h. A handle of libcurl holds its connections; those of handles that are not in
// use wait for the next request. libcurl counts curl_global_init since 7.84, and lets threads call
// it.
#include "io/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <mutex>

#include "base/bytes.h"
#include "base/check.h"
#include "base/text.h"

namespace etcdrill {
namespace {

constexpr long kSlowBytesPerSecond = 1024;
constexpr long kBufferBytes = 256 << 10;
constexpr size_t kHeadersMax = 256;
constexpr size_t kIdleMax = 8;

struct HandleDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Handle = std::unique_ptr<CURL, HandleDeleter>;

struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListDeleter>;

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return lower;
}

bool HasBody(const HttpRequest& request) {
  return request.method == "PUT" || request.method == "POST";
}

// "PUT https://HOST:PORT", for errors.
std::string WhatOf(const HttpRequest& request) {
  const std::string_view url = request.url;
  const size_t scheme = url.find("://");
  const size_t path = url.find_first_of("/?", scheme == std::string_view::npos ? 0 : scheme + 3);
  return fmt::format("{} {}", request.method, Shown(url.substr(0, path)));
}

// One request on its way. libcurl's callbacks come here; none of them throws.
class Transfer {
 public:
  Transfer(CURL* handle, const HttpRequest& request, const std::stop_token& stop)
      : handle_(handle), request_(request), stop_(stop) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  Result<HttpResponse> Perform(const HttpOptions& options);

 private:
  template <typename T>
  void Set(CURLoption option, T value) {
    CHECK(curl_easy_setopt(handle_, option, value) == CURLE_OK);
  }
  void SetConnection(const HttpOptions& options);
  void SetRequest();
  void SetCallbacks();
  Status Explain(CURLcode code) const;
  std::string_view DetailOf(CURLcode code) const;

  bool TakeHeader(std::string_view line);
  bool TakeBody(std::string_view bytes);

  static size_t OnHeader(char* data, size_t size, size_t count, void* self);
  static size_t OnBody(char* data, size_t size, size_t count, void* self);
  static size_t OnRead(char* out, size_t size, size_t count, void* self);
  static int OnSeek(void* self, curl_off_t offset, int origin);
  static int OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);

  CURL* const handle_;
  const HttpRequest& request_;
  const std::stop_token& stop_;
  List header_list_;
  HttpResponse response_;
  size_t sent_ = 0;
  Status refused_ = OkStatus();  // why a callback ended the transfer
  char detail_[CURL_ERROR_SIZE] = "";
};

void Transfer::SetConnection(const HttpOptions& options) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(options.stall_max).count();
  const auto connect =
      std::chrono::duration_cast<std::chrono::milliseconds>(options.connect_max).count();
  const auto whole =
      std::chrono::duration_cast<std::chrono::milliseconds>(request_.time_max).count();
  Set(CURLOPT_PROTOCOLS_STR, "http,https");
  Set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  Set(CURLOPT_FOLLOWLOCATION, 0L);
  Set(CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
  Set(CURLOPT_NOSIGNAL, 1L);
  Set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  Set(CURLOPT_SSL_VERIFYPEER, options.verifies_certificates ? 1L : 0L);
  Set(CURLOPT_SSL_VERIFYHOST, options.verifies_certificates ? 2L : 0L);
  if (!options.ca_file.empty()) {
    Set(CURLOPT_CAINFO, options.ca_file.c_str());
    Set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (!options.may_use_proxy) Set(CURLOPT_NOPROXY, "*");
  if (options.may_use_proxy && !options.proxy.empty()) {
    Set(CURLOPT_PROXY, options.proxy.c_str());
    Set(CURLOPT_NOPROXY, "");  // who names a proxy wants it
  }
  Set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect));
  Set(CURLOPT_TIMEOUT_MS, static_cast<long>(whole));
  Set(CURLOPT_LOW_SPEED_LIMIT, kSlowBytesPerSecond);
  Set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(seconds));
  Set(CURLOPT_TCP_KEEPALIVE, 1L);
  Set(CURLOPT_FRESH_CONNECT, request_.fresh_connection ? 1L : 0L);
  Set(CURLOPT_BUFFERSIZE, kBufferBytes);
  Set(CURLOPT_UPLOAD_BUFFERSIZE, kBufferBytes);
}

void Transfer::SetRequest() {
  Set(CURLOPT_URL, request_.url.c_str());
  Set(CURLOPT_PATH_AS_IS, 1L);
  if (HasBody(request_)) {
    Set(CURLOPT_UPLOAD, 1L);
    Set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  } else if (request_.method == "HEAD") {
    Set(CURLOPT_NOBODY, 1L);
  }
  Set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  curl_slist* list = nullptr;
  // An answer to `Expect` would cost a round trip, and some servers do not give it.
  const auto add = [&](const std::string& line) {
    list = curl_slist_append(list, line.c_str());
    CHECK(list != nullptr);
  };
  add("Expect:");
  for (const auto& [name, value] : request_.headers)
    add(value.empty() ? name + ";" : fmt::format("{}: {}", name, value));
  header_list_.reset(list);
  Set(CURLOPT_HTTPHEADER, list);
}

void Transfer::SetCallbacks() {
  Set(CURLOPT_ERRORBUFFER, detail_);
  Set(CURLOPT_HEADERFUNCTION, &OnHeader);
  Set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  Set(CURLOPT_WRITEFUNCTION, &OnBody);
  Set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  Set(CURLOPT_READFUNCTION, &OnRead);
  Set(CURLOPT_READDATA, static_cast<void*>(this));
  // Without it, a request that has to be sent again ends with error 65.
  Set(CURLOPT_SEEKFUNCTION, &OnSeek);
  Set(CURLOPT_SEEKDATA, static_cast<void*>(this));
  Set(CURLOPT_XFERINFOFUNCTION, &OnProgress);
  Set(CURLOPT_XFERINFODATA, static_cast<void*>(this));
  Set(CURLOPT_NOPROGRESS, 0L);
}

Result<HttpResponse> Transfer::Perform(const HttpOptions& options) {
  const auto is_broken = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  for (const auto& [name, value] : request_.headers) {
    if (std::ranges::any_of(value, is_broken))
      return Error(Reason::kUsage, "{}: the header {} has a line break", WhatOf(request_), name);
  }
  SetConnection(options);
  SetRequest();
  SetCallbacks();
  const CURLcode code = curl_easy_perform(handle_);
  // First what libcurl says: a body that was cut has a status of 200, too.
  if (!refused_.ok()) return refused_;
  if (code != CURLE_OK) return Explain(code);
  return std::move(response_);
}

std::string_view Transfer::DetailOf(CURLcode code) const {
  return detail_[0] != '\0' ? std::string_view(detail_)
                            : std::string_view(curl_easy_strerror(code));
}

Status Transfer::Explain(CURLcode code) const {
  const std::string what = WhatOf(request_);
  const std::string detail = Printable(DetailOf(code), 256);
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return Error(Reason::kInterrupted, "{}: interrupted", what);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return Error(Reason::kUsage, "{}: {}; write https://HOST:PORT", what, detail);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return Error(Reason::kConnect,
                   "{}: {}; check the host name, and whether its name server answers", what,
                   detail);
    case CURLE_OPERATION_TIMEDOUT: {
      curl_off_t connected = 0;
      curl_easy_getinfo(handle_, CURLINFO_CONNECT_TIME_T, &connected);
      if (connected == 0)
        return Error(Reason::kConnect,
                     "{}: not connected in time; the host is down, hangs, or is cut off", what);
      return Error(Reason::kTimeout, "{}: {}", what, detail);
    }
    case CURLE_SSL_CACERT_BADFILE:
      return Error(Reason::kTls, "{}: {}; is the CA file there, and is it PEM?", what, detail);
    case CURLE_PEER_FAILED_VERIFICATION:
      return Error(
          Reason::kTls,
          "{}: {}; the server's certificate is not signed by a known CA (set its file), is "
          "made out for another name, has expired, or is not valid yet",
          what, detail);
    case CURLE_SSL_CONNECT_ERROR:
      return Error(Reason::kTls, "{}: {}; is this a plaintext port? Then write http://", what,
                   detail);
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ENGINE_INITFAILED:
      return Error(Reason::kTls, "{}: {}", what, detail);
    case CURLE_PARTIAL_FILE:
      return Error(Reason::kStreamShort, "{}: {}", what, detail);
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_FAIL_REWIND:
      return Error(Reason::kStreamCut, "{}: the connection broke: {}", what, detail);
    case CURLE_OUT_OF_MEMORY:
      return Error(Reason::kNoMemory, "{}: {}", what, detail);
    default:
      return Error(Reason::kConnect, "{}: {}", what, detail);
  }
}

bool Transfer::TakeHeader(std::string_view line) {
  if (line.starts_with("HTTP/")) {  // the answer, after one that only said "100 Continue"
    response_.headers.clear();
    return true;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  if (response_.headers.size() == kHeadersMax) {
    refused_ = Error(Reason::kConnect, "{}: the answer has more than {} headers", WhatOf(request_),
                     kHeadersMax);
    return false;
  }
  response_.headers.emplace_back(LowerCase(Trim(line.substr(0, colon))),
                                 Trim(line.substr(colon + 1)));
  return true;
}

bool Transfer::TakeBody(std::string_view bytes) {
  constexpr int kOk = 200;
  constexpr int kPartialContent = 206;
  if (request_.receive != nullptr &&
      (response_.status == kOk || response_.status == kPartialContent)) {
    refused_ = request_.receive(response_, bytes);
    return refused_.ok();
  }
  if (response_.body.size() + bytes.size() > request_.body_max) {
    refused_ = Error(Reason::kConnect, "{}: the answer is larger than {} bytes", WhatOf(request_),
                     request_.body_max);
    return false;
  }
  response_.body += bytes;
  return true;
}

size_t Transfer::OnHeader(char* data, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  long status = 0;
  curl_easy_getinfo(transfer.handle_, CURLINFO_RESPONSE_CODE, &status);
  transfer.response_.status = static_cast<int>(status);
  return transfer.TakeHeader({data, size * count}) ? size * count : 0;
}

size_t Transfer::OnBody(char* data, size_t size, size_t count, void* self) {
  // Another number than that of the bytes is an error for libcurl.
  if (size * count == 0) return 0;
  return static_cast<Transfer*>(self)->TakeBody({data, size * count}) ? size * count : 0;
}

size_t Transfer::OnRead(char* out, size_t size, size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::string_view left = transfer.request_.body.substr(transfer.sent_);
  const size_t n = std::min(size * count, left.size());
  if (n > 0) std::memcpy(out, left.data(), n);
  transfer.sent_ += n;
  return n;
}

int Transfer::OnSeek(void* self, curl_off_t offset, int origin) {
  auto& transfer = *static_cast<Transfer*>(self);
  if (origin != SEEK_SET || offset < 0 ||
      static_cast<uint64_t>(offset) > transfer.request_.body.size())
    return CURL_SEEKFUNC_FAIL;
  transfer.sent_ = static_cast<size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

int Transfer::OnProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Transfer*>(self)->stop_.stop_requested() ? 1 : 0;
}

class CurlClient final : public HttpClient {
 public:
  explicit CurlClient(const HttpOptions& options) : options_(options) {
    CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
  }
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;
  ~CurlClient() override {
    idle_.clear();
    curl_global_cleanup();
  }

  Result<HttpResponse> Send(const HttpRequest& request, const std::stop_token& stop) override {
    if (stop.stop_requested())
      return Error(Reason::kInterrupted, "{}: interrupted", WhatOf(request));
    Handle handle = Take();
    if (handle == nullptr)
      return Error(Reason::kNoMemory, "{}: libcurl can't start", WhatOf(request));
    Result<HttpResponse> response = Transfer(handle.get(), request, stop).Perform(options_);
    Give(std::move(handle));
    return response;
  }

 private:
  Handle Take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return Handle(curl_easy_init());
    Handle handle = std::move(idle_.back());
    idle_.pop_back();
    return handle;
  }
  void Give(Handle handle) {
    curl_easy_reset(handle.get());  // its connections stay
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kIdleMax) idle_.push_back(std::move(handle));
  }

  const HttpOptions options_;
  std::mutex mutex_;
  std::vector<Handle> idle_;  // guarded by mutex_
};

}  // namespace

std::string_view HttpResponse::Header(std::string_view name) const {
  const auto found =
      std::ranges::find_if(headers, [name](const auto& header) { return header.first == name; });
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::unique_ptr<HttpClient> MakeHttpClient(const HttpOptions& options) {
  return std::make_unique<CurlClient>(options);
}

}  // namespace etcdrill

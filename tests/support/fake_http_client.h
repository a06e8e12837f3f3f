// An HttpClient that asks a function of the test, and keeps what it was asked.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/http_client.h"

namespace etcdrill::testing {

// Not thread-safe.
class FakeHttpClient final : public HttpClient {
 public:
  struct Asked {
    std::string method;
    std::string url;
    HttpHeaders headers;
    std::string body;
    Duration time_max{};

    std::string Header(std::string_view name) const {
      for (const auto& [key, value] : headers) {
        if (key == name) return value;
      }
      return "";
    }
  };
  using Answer = std::function<Result<HttpResponse>(const Asked&)>;

  explicit FakeHttpClient(Answer answer) : answer_(std::move(answer)) {}

  Result<HttpResponse> Send(const HttpRequest& request, const std::stop_token&) override {
    asked_.push_back({request.method, request.url, request.headers, std::string(request.body),
                      request.time_max});
    return answer_(asked_.back());
  }

  const std::vector<Asked>& asked() const { return asked_; }
  void SetAnswer(Answer answer) { answer_ = std::move(answer); }

 private:
  Answer answer_;
  std::vector<Asked> asked_;
};

}  // namespace etcdrill::testing

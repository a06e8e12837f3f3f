// A small S3 that is asked without a network, and can be made to fail where a real one seldom does:
// answers that are lost, cut, late, or of another kind.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "io/http_client.h"

namespace etcdrill::objects {

// Not thread-safe.
class FakeS3 final : public HttpClient {
 public:
  struct Object {
    std::string bytes;
    HttpHeaders headers;  // that HEAD and GET tell
    std::string etag;
  };
  struct Seen {
    std::string method;
    std::string target;  // path and query
    HttpHeaders headers;
    std::string body;
    bool fresh_connection = false;
    std::string_view Header(std::string_view name) const;
  };
  using Act = std::function<Result<HttpResponse>(FakeS3&, const HttpRequest&)>;

  Result<HttpResponse> Send(const HttpRequest& request, const std::stop_token& stop) override;

  // The next requests of that method whose target holds `match` are answered by `act`.
  void Break(std::string method, std::string match, Act act, int times = 1);
  // Carried out or not, and without an answer.
  static Act Lost();
  static Act Cut();
  // Not carried out.
  static Act Answers(int status, std::string code, HttpHeaders headers = {}, std::string more = "");
  static Act AnswersWith(HttpResponse response);
  // A GET that is right up to that many bytes; then the body ends.
  static Act Short(size_t bytes);

  // As it should be.
  HttpResponse Handle(const HttpRequest& request);
  static Result<HttpResponse> Deliver(const HttpRequest& request, HttpResponse response,
                                      size_t bytes_max = SIZE_MAX);

  std::map<std::string, Object> objects;                                         // by path
  std::map<std::string, std::pair<Object, std::map<int, std::string>>> uploads;  // by id
  std::vector<Seen> seen;
  bool knows_conditions = true;
  // How many were sent with that method, to targets that hold `match`.
  int Count(std::string_view method, std::string_view match = "") const;

 private:
  struct Fault {
    std::string method;
    std::string match;
    Act act;
    int times;
  };
  HttpResponse Store(const HttpRequest& request, const std::string& path, Object object);
  HttpResponse List(const std::string& path) const;
  std::list<Fault> faults_;
  int made_ = 0;
};

HttpResponse S3ErrorAnswer(int status, const std::string& code, HttpHeaders headers = {},
                           const std::string& more = "");

}  // namespace etcdrill::objects

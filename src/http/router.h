// From a request to its answer: exact paths, methods, limits, the headers that every answer has.
// Knows nothing of sockets.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/message.h"

namespace etcdrill::http {

struct Route {
  // A page is read by GET, and by HEAD without its body; an action is done by POST or PUT.
  enum class Kind { kPage, kAction };
  Kind kind;
  std::string path;
  Handler handler;  // called on any thread
};

class Router {
 public:
  // `guard` is asked before anything else is looked at: an answer of it is the answer. `headers`
  // are those that the user wants on every answer; they win over ours.
  using Guard = std::function<std::optional<Response>(const Request&)>;
  Router(
      std::vector<Route> routes, Guard guard = [](const Request&) { return std::nullopt; },
      std::function<Headers()> headers = [] { return Headers(); })
      : routes_(std::move(routes)), guard_(std::move(guard)), headers_(std::move(headers)) {}

  Response Answer(const Request& request) const;

 private:
  Response Dispatch(const Request& request) const;

  const std::vector<Route> routes_;
  const Guard guard_;
  const std::function<Headers()> headers_;
};

}  // namespace etcdrill::http

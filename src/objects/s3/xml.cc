#include "objects/s3/xml.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/text.h"

namespace etcdrill::objects {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr size_t kEntitySizeMax = 10;

constexpr std::array kEntities = {
    std::pair(std::string_view("amp"), '&'), std::pair(std::string_view("lt"), '<'),
    std::pair(std::string_view("gt"), '>'), std::pair(std::string_view("quot"), '"'),
    std::pair(std::string_view("apos"), '\'')};

// UTF-8 of a character that XML may hold.
std::optional<std::string> Utf8Of(uint32_t code) {
  const bool is_control = code < 0x20 && code != '\t' && code != '\n' && code != '\r';
  if (is_control || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return std::nullopt;
  const auto tail = [code](int shift) {
    return static_cast<char>(0x80 | ((code >> shift) & 0x3f));
  };
  if (code < 0x80) return std::string{static_cast<char>(code)};
  if (code < 0x800) return std::string{static_cast<char>(0xc0 | (code >> 6)), tail(0)};
  if (code < 0x10000) return std::string{static_cast<char>(0xe0 | (code >> 12)), tail(6), tail(0)};
  return std::string{static_cast<char>(0xf0 | (code >> 18)), tail(12), tail(6), tail(0)};
}

// Of what stands between & and ;.
std::optional<std::string> Resolve(std::string_view entity) {
  if (entity.starts_with('#')) {
    entity.remove_prefix(1);
    const int base = entity.starts_with('x') ? 16 : 10;
    if (base == 16) entity.remove_prefix(1);
    const auto code = ParseNumber<uint32_t>(entity, base);
    return code.has_value() ? Utf8Of(*code) : std::nullopt;
  }
  const auto* const known =
      std::ranges::find(kEntities, entity, &decltype(kEntities)::value_type::first);
  if (known == kEntities.end()) return std::nullopt;
  return std::string{known->second};
}

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text), size_(text.size()) {}

  Result<XmlElement> Read() {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
    while (!rest_.empty()) RETURN_IF_ERROR(rest_.front() == '<' ? Markup() : Text());
    if (!open_.empty()) return Problem("it ends inside of <" + Shown(open_.back().name) + ">");
    if (!root_.has_value()) return Problem("it has no element");
    return *std::move(root_);
  }

 private:
  Status Problem(std::string_view what) const {
    return Error(Reason::kIoError, "not the XML of an object store, at byte {}: {}",
                 size_ - rest_.size(), what);
  }
  bool Take(std::string_view prefix) {
    if (!rest_.starts_with(prefix)) return false;
    rest_.remove_prefix(prefix.size());
    return true;
  }
  // What stands before `end`, which is taken, too.
  std::optional<std::string_view> TakeUntil(std::string_view end) {
    const size_t at = rest_.find(end);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view taken = rest_.substr(0, at);
    rest_.remove_prefix(at + end.size());
    return taken;
  }

  Status Markup() {
    if (Take("<!--")) return TakeUntil("-->") ? OkStatus() : Problem("a comment does not end");
    if (Take("<![CDATA[")) {
      const auto text = TakeUntil("]]>");
      if (!text.has_value() || open_.empty()) return Problem("CDATA at a wrong place");
      open_.back().text += *text;
      return OkStatus();
    }
    if (Take("<?")) return TakeUntil("?>") ? OkStatus() : Problem("an instruction does not end");
    if (rest_.starts_with("<!")) return Problem("a document type");
    if (Take("</")) return EndTag();
    rest_.remove_prefix(1);
    return StartTag();
  }

  // Up to the > that ends the tag: one inside of quotes does not.
  std::optional<std::string_view> TakeTag() {
    char quote = '\0';
    for (size_t i = 0; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (quote != '\0') {
        if (c == quote) quote = '\0';
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '<') {
        return std::nullopt;
      } else if (c == '>') {
        const std::string_view tag = rest_.substr(0, i);
        rest_.remove_prefix(i + 1);
        return tag;
      }
    }
    return std::nullopt;
  }

  static std::string_view LocalName(std::string_view tag) {
    const std::string_view name = tag.substr(0, tag.find_first_of(kBlanks));
    return name.substr(name.find(':') + 1);  // npos + 1 is 0
  }

  Status StartTag() {
    auto tag = TakeTag();
    if (!tag.has_value()) return Problem("a tag does not end");
    const bool is_empty = tag->ends_with('/');
    if (is_empty) tag->remove_suffix(1);
    const std::string_view name = LocalName(*tag);
    if (name.empty()) return Problem("a tag without a name");
    if (open_.size() == kXmlDepthMax) return Problem("it is too deep");
    if (++elements_ > kXmlElementsMax) return Problem("it has too many elements");
    if (open_.empty() && root_.has_value()) return Problem("a second root element");
    open_.push_back({.name = std::string(name), .text = {}, .children = {}});
    if (is_empty) Close();
    return OkStatus();
  }

  Status EndTag() {
    const auto tag = TakeTag();
    if (!tag.has_value()) return Problem("a tag does not end");
    if (open_.empty() || open_.back().name != LocalName(*tag))
      return Problem("an element ends that did not begin");
    Close();
    return OkStatus();
  }

  void Close() {
    XmlElement element = std::move(open_.back());
    open_.pop_back();
    if (open_.empty()) {
      root_ = std::move(element);
    } else {
      open_.back().children.push_back(std::move(element));
    }
  }

  Status Text() {
    std::string_view text = rest_.substr(0, rest_.find('<'));
    if (open_.empty()) {
      if (text.find_first_not_of(kBlanks) != std::string_view::npos)
        return Problem("text outside of the root element");
      rest_.remove_prefix(text.size());
      return OkStatus();
    }
    std::string& out = open_.back().text;
    while (!text.empty()) {
      const std::string_view plain = text.substr(0, text.find('&'));
      out += plain;
      text.remove_prefix(plain.size());
      rest_.remove_prefix(plain.size());
      if (text.empty()) break;
      const size_t end = text.substr(0, kEntitySizeMax).find(';');
      if (end == std::string_view::npos) return Problem("an entity does not end");
      const auto character = Resolve(text.substr(1, end - 1));
      if (!character.has_value()) return Problem("an unknown entity");
      out += *character;
      text.remove_prefix(end + 1);
      rest_.remove_prefix(end + 1);
    }
    return OkStatus();
  }

  std::string_view rest_;
  const size_t size_;
  std::vector<XmlElement> open_;  // from the root to the one whose end comes next
  std::optional<XmlElement> root_;
  size_t elements_ = 0;
};

}  // namespace

const XmlElement* XmlElement::Child(std::string_view child) const {
  const auto found = std::ranges::find(children, child, &XmlElement::name);
  return found == children.end() ? nullptr : &*found;
}

std::string_view XmlElement::TextOf(std::string_view child) const {
  const XmlElement* const found = Child(child);
  return found == nullptr ? std::string_view() : std::string_view(found->text);
}

Result<XmlElement> ParseXml(std::string_view text) { return Reader(text).Read(); }

std::string EscapeXml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto* const entity =
        std::ranges::find(kEntities, c, &decltype(kEntities)::value_type::second);
    if (entity == kEntities.end()) {
      out += c;
    } else {
      out.append("&").append(entity->first).append(";");
    }
  }
  return out;
}

}  // namespace etcdrill::objects

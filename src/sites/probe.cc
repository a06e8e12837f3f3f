#include "sites/probe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <utility>
#include <variant>

#include "base/text.h"
#include "objects/metered.h"
#include "sites/probe_store.h"
#include "sites/site.h"

namespace etcdrill::sites {
namespace {

void AddAnswer(ProbeReport& report, const char* question, ProbeResult result,
               const std::string& text, const std::string& advice = "") {
  report.answers.push_back({question, result, text, advice});
}

void AddFatal(ProbeReport& report, const char* question, const Status& error) {
  MakeUnusable(error, report);
  AddAnswer(report, question, ProbeResult::kFailed, std::string(MessageOf(error)),
            "no copy can be made here");
}

void AskCredentials(Site& site, ProbeReport& report) {
  constexpr const char* kQuestion = "credentials";
  const auto keys = site.Credentials();
  if (!keys.ok()) return AddFatal(report, kQuestion, keys.status());
  if (!keys->has_value()) return;  // such a site needs none of ours
  report.credentials = fmt::format(
      "key id {} of {}, {}", Shown((*keys)->access_key_id), Shown((*keys)->source),
      (*keys)->end.has_value() ? "until " + FormatRfc3339(*(*keys)->end) : "without an end");
  AddAnswer(report, kQuestion, ProbeResult::kYes, report.credentials);
}

// Returns whom copies are encrypted for.
std::vector<AgeRecipient> AskRecipients(const Site& site, ProbeReport& report) {
  constexpr const char* kQuestion = "recipients";
  auto recipients = site.Recipients();
  if (!recipients.ok()) {
    AddFatal(report, kQuestion, recipients.status());
    return {};
  }
  std::vector<std::string> names;
  for (const AgeRecipient& recipient : *recipients) names.push_back(recipient.Text());
  AddAnswer(report, kQuestion, ProbeResult::kYes,
            fmt::format("copies are encrypted for {}", fmt::join(names, ", ")),
            names.size() > 1 ? "" : "add a second one, whose identity lies in a safe");
  return *std::move(recipients);
}

void AskIdentities(const Site& site, const std::vector<AgeRecipient>& recipients,
                   ProbeReport& report) {
  constexpr const char* kQuestion = "identities";
  constexpr const char* kElsewhere =
      "drills and restores from this site have to run where an identity is";
  const auto identities = site.Identities();
  if (Is(identities, Reason::kNoIdentity)) {
    return AddAnswer(report, kQuestion, ProbeResult::kNo,
                     std::string(MessageOf(identities.status())), kElsewhere);
  }
  if (!identities.ok()) {
    return AddAnswer(report, kQuestion, ProbeResult::kFailed,
                     std::string(MessageOf(identities.status())), kElsewhere);
  }
  if (AnyOpens(*identities, recipients))
    return AddAnswer(report, kQuestion, ProbeResult::kYes, "copies can be decrypted here");
  AddAnswer(report, kQuestion, ProbeResult::kNo,
            "no configured identity belongs to one of the recipients", kElsewhere);
}

void AskSigning(const Site& site, ProbeReport& report) {
  constexpr const char* kQuestion = "signing";
  const auto key = site.Signing();
  if (!key.ok()) return AddFatal(report, kQuestion, key.status());
  if (!key->has_value()) {
    return AddAnswer(report, kQuestion, ProbeResult::kNo, "manifests are not signed",
                     "whoever can write here can replace copies unseen: set "
                     "store.signing.key_file");
  }
  AddAnswer(report, kQuestion, ProbeResult::kYes,
            fmt::format("manifests are signed by key {}", (*key)->verifying_key().Id()));
}

void AskSigners(const Site& site, ProbeReport& report) {
  constexpr const char* kQuestion = "signers";
  const auto signers = site.Signers();
  if (!signers.ok()) return AddFatal(report, kQuestion, signers.status());
  if (signers->empty()) return;  // said by `signing`
  std::vector<std::string> ids;
  for (const VerifyingKey& signer : *signers) ids.push_back(signer.Id());
  AddAnswer(
      report, kQuestion, ProbeResult::kYes,
      fmt::format("manifests count if one of these keys signed them: {}", fmt::join(ids, ", ")));
}

// What S3 can do, and what nothing that it answers tells.
void AddUntold(const config::SiteConfig& site, ProbeReport& report) {
  const auto* const s3 = std::get_if<config::S3Place>(&site.place);
  if (s3 == nullptr) return;
  AddAnswer(report, "checksum", ProbeResult::kUnknown,
            "whether a wrong one is refused was not tried",
            "nothing depends on it: a copy is hashed when it is read");
  if (s3->bucket.sse == objects::Sse::kNone) return;
  AddAnswer(report, "sse", ProbeResult::kUnknown,
            fmt::format("{} was asked for, and not refused; whether it was done is not told",
                        NameOf(s3->bucket.sse)),
            "encrypt copies by `encrypt`, if that matters");
}

}  // namespace

void MakeUnusable(const Status& error, ProbeReport& report) {
  if (report.usable.ok()) report.usable = Annotate(error, "site {}", report.site);
}

ProbeReport ProbeSite(const Context& context, Site& site) {
  ProbeReport report{.site = site.name(), .address = site.objects().address()};
  AskCredentials(site, report);
  if (site.encoding().age) AskIdentities(site, AskRecipients(site, report), report);
  AskSigning(site, report);
  AskSigners(site, report);

  ProbedStore store{
      .objects = site.objects(),
      .lock = site.config().lock,
      .has_own_times = !std::holds_alternative<config::RclonePlace>(site.config().place)};
  // The same bucket once more, whose puts have a condition.
  std::unique_ptr<Site> conditional;
  objects::Meter meter;
  config::SiteConfig changed = site.config();
  if (auto* const s3 = std::get_if<config::S3Place>(&changed.place); s3 != nullptr) {
    s3->bucket.put_if_absent = true;
    auto opened = Site::Open(context, changed, {}, meter, kNoRetries);
    if (opened.ok()) conditional = *std::move(opened);
  }
  if (conditional != nullptr) store.conditional = &conditional->objects();
  ProbeStore(context, store, report);
  AddUntold(site.config(), report);
  return report;
}

}  // namespace etcdrill::sites

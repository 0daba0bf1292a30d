// What the clouds send, and what we sign.
#include <algorithm>
#include <set>

#include "exporter/acr/codec.h"
#include "exporter/acr/event_codec.h"
#include "exporter/acr/refusal.h"
#include "exporter/acr/signer.h"
#include "exporter/acr/sync_codec.h"
#include "exporter/base/time_text.h"
#include "exporter/net/quota.h"
#include "exporter/net/retry_after.h"
#include "exporter/swr/codec.h"
#include "exporter/swr/refusal.h"
#include "exporter/swr/signer.h"
#include "exporter/swr/sync_codec.h"
#include "exporter/swr/token_service.h"
#include "exporter/swr_ee/codec.h"
#include "tests/fuzz/target.h"

namespace registry_exporter::fuzz {
namespace {

constexpr UnixMillis kNow{Millis{1'767'323'045'000}};
constexpr UnixMillis kYear2000{Millis{946'684'800'000}};
constexpr UnixMillis kYear2100{Millis{4'102'444'800'000}};

bool is_plausible(const std::optional<UnixMillis>& time) {
  return !time || (*time >= kYear2000 && *time < kYear2100);
}

void check_record(const Record& record) {
  law(!record.id.empty(), "a record without an id");
  law(is_plausible(record.started_at) && is_plausible(record.ended_at), "a time of no century");
}

void check_page(const Result<Page>& page) {
  if (!page) {
    law(page.error().kind == ErrorKind::malformed, "a page can only be malformed");
    law(page.error().detail.find('\n') == std::string::npos, "a detail of two lines");
    return;
  }
  for (const Record& record : page->records) check_record(record);
}

/// A first byte for the page that was asked for, then the body.
void acr_page(std::string_view input) {
  Parts parts(input);
  const PageRequest request{parts.byte() % 4, 1 + parts.byte() % 100};
  const RepositoryRef asked{"team-a", "web", "crr-1"};
  const acr::BuildStatusMap statuses;
  const std::string_view body = parts.rest();
  check_page(acr::parse_build_page(body, asked, request, statuses));
  if (const auto record = acr::parse_build_record(body, asked, "b-1", statuses)) {
    check_record(*record);
    law(record->id == "b-1", "another build than the one asked for");
  }
  (void)acr::parse_namespace_page(body, request);
  (void)acr::parse_repository(body, asked);
  if (const auto repositories = acr::parse_repository_page(body, request)) {
    law(repositories->repositories.size() <= repositories->rows, "more than there were");
  }
}

/// A first byte for the page that was asked for, then the body.
void acr_sync_page(std::string_view input) {
  Parts parts(input);
  const PageRequest request{parts.byte() % 4, 1 + parts.byte() % 100};
  const Result<Page> page = acr::parse_sync_page(parts.rest(), "cri-1", request);
  check_page(page);
  if (!page) return;
  law(page->records.size() + page->rejected.size() <= page->rows, "more than there were");
  for (const Record& record : page->records) {
    law(record.owner && !record.owner->name.empty(), "a task of nobody");
    law(!record.open || !record.ended_at, "an open task with an end");
  }
}

/// The same of the event centre.
void acr_event_page(std::string_view input) {
  Parts parts(input);
  const PageRequest request{parts.byte() % 4, 1 + parts.byte() % 100};
  const Result<NoticePage> page = acr::parse_event_page(parts.rest(), request);
  if (!page) return;
  law(page->notices.size() <= page->rows, "more than there were");
  for (const Notice& notice : page->notices) {
    law(!notice.id.empty() && !notice.of.name.empty(), "a notice of nothing");
  }
}

net::HttpResponse response_of(std::string_view input) {
  static constexpr int kStatuses[] = {200, 201, 204, 301, 400, 401, 403, 404,
                                      409, 413, 429, 500, 502, 503, 504, 999};
  Parts parts(input);
  net::HttpResponse response;
  response.status = kStatuses[parts.byte() % std::size(kStatuses)];
  for (std::string_view line = parts.line(); !line.empty(); line = parts.line()) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) break;
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    response.headers.emplace_back(line.substr(0, colon), value);
  }
  response.body = parts.rest();
  return response;
}

void check_swr_syncs(const net::HttpResponse& response) {
  const Result<Page> page = swr::parse_sync_page(response, {"team-a", "web/api", ""});
  check_page(page);
  if (!page) return;
  for (const Record& record : page->records) {
    law(!record.open || !record.ended_at, "an open job with an end");
  }
}

/// A status, headers, an empty line, a body.
void swr_page(std::string_view input) {
  const net::HttpResponse response = response_of(input);
  check_page(swr::parse_history_page(response, {"team-a", "web/api", ""}));
  check_swr_syncs(response);
  (void)swr::parse_namespaces(response.body);
  (void)swr::parse_token(response);
  (void)swr::outcome_of_rule(response.body);
  if (const auto repositories = swr::parse_repository_page(response.body)) {
    law(repositories->repositories.size() <= repositories->rows, "more than there were");
  }
  if (const auto rules = swr::parse_retentions(response.body)) {
    for (std::size_t i = 1; i < rules->size(); ++i) {
      law(!((*rules)[i - 1] == (*rules)[i]), "a rule twice");
    }
  }
}

void check_run(const swr_ee::Run& run) {
  law(!run.id.empty() && run.id.find_first_not_of("0123456789") == std::string::npos,
      "an id that is no number");
  law(is_plausible(run.started_at) && is_plausible(run.ended_at), "a time of no century");
  law(run.end || !run.ended_at, "an end of what is under way");
}

template <class Item>
void check_list(const Result<swr_ee::ListPage<Item>>& page) {
  if (!page) {
    law(page.error().kind == ErrorKind::malformed, "a page can only be malformed");
    return;
  }
  law(page->items.size() + page->rejected.size() <= page->rows, "more than there were");
  if constexpr (requires(Item item) { item.run; }) {
    std::set<std::string> ids;
    for (const Item& item : page->items) {
      check_run(item.run);
      law(ids.insert(item.run.id).second, "an execution twice");
    }
  }
}

/// A first byte for the page that was asked for, then the body.
void swr_ee_page(std::string_view input) {
  Parts parts(input);
  const PageRequest request{parts.byte() % 4, 100};
  const std::string_view body = parts.rest();
  check_list(swr_ee::parse_instances(body, request));
  check_list(swr_ee::parse_repositories(body, request));
  check_list(swr_ee::parse_retention_policies(body, request));
  check_list(swr_ee::parse_retention_executions(body, "7", request));
  check_list(swr_ee::parse_retention_tasks(body, "7", request));
  check_list(swr_ee::parse_replication_policies(body, request));
  check_list(swr_ee::parse_replication_executions(body, request));
}

void check_refusal(const net::HttpResponse& response, const std::optional<net::Refusal>& refusal) {
  law(refusal || (response.status >= 200 && response.status < 300), "an error taken for an answer");
  if (!refusal) return;
  const Error& error = refusal->error;
  law(error.kind < ErrorKind::invalid_config, "a kind that no cloud has");
  law(error.detail.find_first_of("\r\n") == std::string::npos, "a detail of two lines");
  law(error.detail.size() < 2000, "a detail like a body");
}

void acr_refusal(std::string_view input) {
  const net::HttpResponse response = response_of(input);
  check_refusal(response, acr::classify_response(response));
}

void swr_refusal(std::string_view input) {
  const net::HttpResponse response = response_of(input);
  check_refusal(response, swr::classify_response(response));
}

void waits(std::string_view input) {
  const net::HttpResponse response = response_of(input);
  const auto wait = net::wait_asked_for(response, kNow);
  law(!wait || *wait >= Millis{0}, "a negative wait");
  const auto quota = net::quota_named_in(input);
  law(!quota || (quota->calls >= 1 && quota->window >= Millis{1}), "a quota of nothing");
}

void times(std::string_view input) {
  if (const auto time = parse_rfc3339(input)) {
    law(parse_rfc3339(format_rfc3339_millis(*time)) == time, "RFC 3339 does not come back");
  }
  if (const auto time = parse_http_date(input)) {
    law(parse_http_date(format_http_date(*time)) == time, "an HTTP date does not come back");
  }
}

/// Method, target, a header's value, body: what is signed has to be the same each time, and nothing
/// in it may add a line of its own.
void signers(std::string_view input) {
  Parts parts(input);
  net::HttpRequest request;
  request.method = parts.byte() % 2 == 0 ? "GET" : "POST";
  request.origin = "https://cloud.test";
  request.target = "/" + std::string(parts.line());
  request.headers = {{"x-acs-action", std::string(parts.line())},
                     {"content-type", "application/json"}};
  request.body = parts.rest();
  cloud::Keys keys;
  keys.access_key = "key";
  keys.secret_key = Secret("secret");
  const net::HttpRequest signed_once = acr::sign_v3(request, keys, kNow, "nonce");
  const net::HttpRequest signed_again = acr::sign_v3(request, keys, kNow, "nonce");
  law(signed_once.headers == signed_again.headers, "two signatures of one request");
  law(signed_once.target == request.target && signed_once.body == request.body, "it was changed");

  const net::HttpRequest by_sdk = swr::sign(request, keys, "project", kNow);
  law(by_sdk.headers == swr::sign(request, keys, "project", kNow).headers,
      "two signatures of one request");
  const std::string canonical = swr::canonical_request(by_sdk);
  law(canonical.starts_with(request.method + "\n/"), "not this request");
  const std::size_t path_end = canonical.find('\n', request.method.size() + 1);
  law(canonical[path_end - 1] == '/', "a path without a slash at its end");
}

constexpr Target kTargets[] = {
    {"acr_page", acr_page},
    {"swr_page", swr_page},
    {"swr_ee_page", swr_ee_page},
    {"acr_refusal", acr_refusal},
    {"acr_sync_page", acr_sync_page},
    {"acr_event_page", acr_event_page},
    {"swr_refusal", swr_refusal},
    {"waits", waits},
    {"times", times},
    {"signers", signers},
};

}  // namespace

std::span<const Target> cloud_targets() { return kTargets; }

}  // namespace registry_exporter::fuzz

#include "exporter/swr/codec.h"

#include <algorithm>

#include "exporter/net/json.h"
#include "exporter/swr/fields.h"

namespace registry_exporter::swr {
namespace {

constexpr std::size_t kRuleTextBytesMax = 64;  // Rules become labels.

/// Body and header; nullopt when they disagree: then neither is a hint.
std::optional<std::uint64_t> total_of(const net::HttpResponse& response,
                                      const net::json::Object& root) {
  const auto in_body = count_at(root, "total");
  const auto in_header = total_of_range(response.header("content-range"));
  if (in_body && in_header && *in_body != *in_header) return std::nullopt;
  return in_body ? in_body : in_header;
}

/// Whether body or header claim that there are rows.
bool says_not_empty(const net::HttpResponse& response, const net::json::Object& root) {
  return count_at(root, "total").value_or(0) > 0 ||
         total_of_range(response.header("content-range")).value_or(0) > 0;
}

Record make_record(std::string id, const net::json::Object& row) {
  Record record;
  record.key = record_key(id);
  record.id = std::move(id);
  record.started_at = record.ended_at = time_at(row, "created_at");
  record.outcome = outcome_of_rule(net::json::text_at(row, "rule_type"));
  return record;
}

std::optional<ListedRepository> listed_repository(const net::json::Object& row) {
  ListedRepository repository;
  repository.ref.repo_namespace = net::json::text_at(row, "namespace");
  repository.ref.name = net::json::text_at(row, "name");
  for (const std::string* text : {&repository.ref.repo_namespace, &repository.ref.name}) {
    if (text->empty() || text->size() > kNameBytesMax) return std::nullopt;
  }
  repository.created_at = time_at(row, "created_at");
  repository.modified_at = time_at(row, "updated_at");
  repository.tags = count_at(row, "num_images");
  repository.size_bytes = count_at(row, "size");
  repository.downloads = count_at(row, "num_download");
  return repository;
}

Outcome outcome_of_template(std::string_view rule_template) {
  if (rule_template == name(Outcome::date_rule)) return Outcome::date_rule;
  if (rule_template == name(Outcome::tag_rule)) return Outcome::tag_rule;
  return Outcome::other;
}

std::string keep_of(const net::json::Object& rule, const std::string& rule_template) {
  const auto params = net::json::object_at(rule, "params");
  if (!params) return "";
  std::string keep = net::json::text_at(*params, rule_template == "date_rule" ? "days" : "num");
  return keep.size() > kRuleTextBytesMax ? "" : keep;
}

/// One rule of the retention `id`; nullopt: not readable.
std::optional<RetentionRule> retention_rule(const std::string& id,
                                            const net::json::Element& element) {
  net::json::Object rule;
  if (element.get(rule)) return std::nullopt;
  const Outcome outcome = outcome_of_template(net::json::text_at(rule, "template"));
  const std::string rule_template(name(outcome));
  return RetentionRule{id, rule_template,
                       outcome == Outcome::other ? "" : keep_of(rule, rule_template)};
}

}  // namespace

Outcome outcome_of_rule(std::string_view rule_type) {
  const Result<net::json::Document> rule = net::json::parse(rule_type);
  return rule ? outcome_of_template(net::json::text_at(rule->root, "template")) : Outcome::other;
}

Result<Page> parse_history_page(const net::HttpResponse& response, const RepositoryRef& asked,
                                const PageRequest& request) {
  const Result<net::json::Document> document = net::json::parse(response.body);
  if (!document) return tl::unexpected(document.error());
  const net::json::Object& root = document->root;
  const auto list = net::json::field(root, "retention_log");
  Page page;
  page.total = total_of(response, root);
  // Behind the last page there is nothing, whatever the total says.
  if (!list && request.index == 0 && says_not_empty(response, root)) {
    return fail(ErrorKind::malformed, "shape: retention_log is missing although total is not 0");
  }
  net::json::Element any;
  const bool told_of = !root.at_key("retention_log").get(any);
  if (!told_of && !page.total) {
    return fail(ErrorKind::malformed, "shape: neither retention_log nor total");
  }
  const auto rows = rows_of(list, "retention_log");
  if (!rows) return tl::unexpected(rows.error());
  page.rows = rows->size();
  for (const net::json::Element& element : *rows) {
    net::json::Object row;
    if (element.get(row)) {
      page.rejected.push_back(Rejection::id_missing);
      continue;
    }
    if (!same_name(net::json::text_at(row, "namespace"), asked.repo_namespace) ||
        !same_name(net::json::text_at(row, "repo"), asked.name)) {
      return fail(ErrorKind::malformed, ErrorCause::wrong_repository,
                  "wrong_repo: page of another repository");
    }
    auto id = id_at(row, "id");
    if (id) {
      page.records.push_back(make_record(std::move(*id), row));
    } else {
      page.rejected.push_back(id.error());
    }
  }
  return page;
}

Result<cloud::ListedRepositories> parse_repository_page(std::string_view body) {
  const Result<net::json::AnyDocument> document = net::json::parse_any(body);
  if (!document) return tl::unexpected(document.error());
  const auto rows = rows_of(document->root, "the list of repositories");
  if (!rows) return tl::unexpected(rows.error());
  cloud::ListedRepositories page;
  page.rows = rows->size();
  for (const net::json::Element& element : *rows) {
    net::json::Object row;
    if (element.get(row)) return fail(ErrorKind::malformed, "shape: a row is no object");
    if (const auto total = count_at(row, "total_range")) page.total = total;
    if (auto repository = listed_repository(row)) {
      page.repositories.push_back(std::move(*repository));
    }
  }
  return page;
}

Result<std::vector<std::string>> parse_namespaces(std::string_view body) {
  const Result<net::json::Document> document = net::json::parse(body);
  if (!document) return tl::unexpected(document.error());
  const auto rows = rows_of(net::json::field(document->root, "namespaces"), "namespaces");
  if (!rows) return tl::unexpected(rows.error());
  std::vector<std::string> names;
  for (const net::json::Element& element : *rows) {
    net::json::Object row;
    if (element.get(row)) return fail(ErrorKind::malformed, "shape: a row is no object");
    std::string name = net::json::text_at(row, "name");
    if (!name.empty() && name.size() <= kNameBytesMax) names.push_back(std::move(name));
  }
  return names;
}

Result<std::vector<RetentionRule>> parse_retentions(std::string_view body) {
  const Result<net::json::AnyDocument> document = net::json::parse_any(body);
  if (!document) return tl::unexpected(document.error());
  const auto rows = rows_of(document->root, "the list of retentions");
  if (!rows) return tl::unexpected(rows.error());
  std::vector<RetentionRule> rules;
  for (const net::json::Element& element : *rows) {
    net::json::Object retention;
    if (element.get(retention)) return fail(ErrorKind::malformed, "shape: a row is no object");
    const auto inner = rows_of(net::json::field(retention, "rules"), "rules");
    if (!inner) return tl::unexpected(inner.error());
    const std::string id = net::json::text_at(retention, "id");
    if (id.size() > kRuleTextBytesMax) continue;
    for (const net::json::Element& rule_element : *inner) {
      auto rule = retention_rule(id, rule_element);
      const bool known = rule && std::find(rules.begin(), rules.end(), *rule) != rules.end();
      if (rule && !known) rules.push_back(std::move(*rule));
    }
  }
  return rules;
}

}  // namespace registry_exporter::swr

#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/base/result.h"
#include "exporter/config/config.h"
#include "exporter/model/cloud.h"

namespace registry_exporter {

/// The results of examining one registry live.
struct Exam {
  config::RegistryConfig registry;  ///< With this process's share of the rate.
  std::string project_id;           ///< swr: of the repositories that were found.
  config::CollectionConfig collection;
  std::string proxy;  ///< "host:port"; empty: none.
  CloudHealth health;
  /// Operation → how it went last: "ok", or the name of an ErrorKind.
  std::map<std::string, std::string> outcomes;
  bool made_up_record = false;  ///< A build that doesn't exist was asked for, and wasn't found.
  std::vector<Error> failures;  ///< What went wrong, in order.
  std::size_t found = 0;        ///< Repositories that the cloud lists.
  std::size_t matched = 0;      ///< Of them, those that are to be read by this process.
  std::vector<std::string> denied_namespaces;
  std::vector<std::string> notes;    ///< For people, whether or not anything is wrong.
  std::size_t lists_each = 0;        ///< Of a repository.
  std::optional<double> pages_each;  ///< Of such a list, whole, on average; from a sample.
  std::size_t feeds = 0;             ///< Lists of the whole registry.
  std::optional<double> pages_of_feeds;

  /// How the last call of an operation went; "" if it was not called.
  std::string outcome_of(std::string_view operation) const;
};

}  // namespace registry_exporter

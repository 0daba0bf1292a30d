#pragma once

#include <cstdint>
#include <string>

namespace registry_exporter::bench {

/// An answer of ListRepoBuildRecord. The ids are those of a `generation`, from `first` on.
inline std::string page_of_builds(int generation, std::int64_t records, std::int64_t first = 0) {
  std::string page = R"({"RequestId":"R","Code":"success","IsSuccess":true,"PageNo":1,)"
                     R"("PageSize":100,"TotalCount":"100","BuildRecords":[)";
  for (std::int64_t i = 0; i < records; ++i) {
    if (i > 0) page += ',';
    const std::string n =
        std::to_string(1000 + first + i) + std::to_string(1000 + generation % 1000);
    page +=
        R"({"BuildRecordId":"11111111-1111-4111-8111-1111)" + n +
        R"(","BuildStatus":"SUCCESS","StartTime":"1767319445000","EndTime":"1767319705000",)"
        R"("Image":{"RepoId":"crr-a","RepoName":"api","RepoNamespaceName":"shop","ImageTag":"v)" +
        n + R"("}})";
  }
  return page + "]}";
}

}  // namespace registry_exporter::bench

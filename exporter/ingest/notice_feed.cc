#include "exporter/ingest/notice_feed.h"

#include <algorithm>
#include <utility>

namespace registry_exporter::ingest {
namespace {

constexpr int kPageSize = 100;
constexpr int kPagesMax = 5;
constexpr std::uint64_t kRowsMax = 1'000'000;
/// A list that has been silent for a while is asked again after this part of it.
constexpr int kPatience = 8;

Millis since(SteadyTime then, SteadyTime now) {
  return std::chrono::duration_cast<Millis>(now - then);
}

/// nullopt: the page does not tell.
std::optional<bool> oldest_first(const NoticePage& page) {
  if (page.notices.size() < 2) return std::nullopt;
  const auto first = page.notices.front().at;
  const auto last = page.notices.back().at;
  if (!first || !last || *first == *last) return std::nullopt;
  return *first < *last;
}

}  // namespace

bool NoticeFeed::due(std::size_t lists, bool useful, SteadyTime now) const {
  if (!options_.offered || lists < options_.from) return false;
  if (off_until_ && now < *off_until_) return false;
  if (!asked_at_) return true;
  const Millis silent = news_at_ ? since(*news_at_, now) : options_.rarely * kPatience;
  const Millis wait = useful ? std::min(silent / kPatience, options_.rarely) : options_.rarely;
  return since(*asked_at_, now) >= wait;
}

void NoticeFeed::begin(SteadyTime now) {
  known_before_ = asked_at_.has_value();
  asked_at_ = now;
  pages_ = 0;
  before_ = std::exchange(ids_, {});
  next_ = PageRequest{newest_page_, kPageSize};
}

std::vector<Notice> NoticeFeed::take(const Result<NoticePage>& answer, SteadyTime now) {
  answers_ = answer.has_value();
  if (!answer) {
    off_until_ = now + (traits(answer.error().kind).lasting ? options_.pause : options_.rarely);
    ids_.merge(before_);  // What is known stays known.
    next_.reset();
    return {};
  }
  std::vector<Notice> fresh;
  for (const Notice& notice : answer->notices) {
    if (ids_.insert(notice.id).second && !before_.contains(notice.id)) fresh.push_back(notice);
  }
  if (!fresh.empty()) news_at_ = now;
  next_ = page_after(*answer, fresh.size());
  return fresh;
}

/// Where older, or in a list that is oldest first newer, notices may be that are not known yet.
std::optional<PageRequest> NoticeFeed::page_after(const NoticePage& page, std::size_t fresh) {
  const int index = next_->index;
  if (page.rows == 0) {
    newest_page_ = 0;  // The list is shorter than it was.
    return std::nullopt;
  }
  if (++pages_ >= kPagesMax) return std::nullopt;
  if (oldest_first(page).value_or(newest_page_ > 0)) {
    newest_page_ = index;
    page_rows_ = std::max(page_rows_, page.rows);
    const std::uint64_t total = std::min<std::uint64_t>(page.total.value_or(0), kRowsMax);
    const int last = static_cast<int>((total + page_rows_ - 1) / page_rows_) - 1;
    if (last <= index) return std::nullopt;
    return PageRequest{last, kPageSize};
  }
  newest_page_ = 0;
  const bool all_new = known_before_ && fresh == page.notices.size() && fresh > 0;
  if (!all_new) return std::nullopt;
  return PageRequest{index + 1, kPageSize};
}

}  // namespace registry_exporter::ingest

#include "exporter/base/copy_on_write.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace registry_exporter;

using Text = CopyOnWrite<std::string>;

TEST_CASE("copy on write: what is edited is no copy's any more") {
  Text first(std::string("one"));
  Text second = first;
  CHECK(&*first == &*second);
  second.edit() += " more";
  CHECK(*first == "one");
  CHECK(*second == "one more");
  const std::string* const before = &*second;
  second.edit() += "!";  // It is alone now.
  CHECK(&*second == before);
}

TEST_CASE("copy on write: the last copy that is left edits in place") {
  Text kept(std::string("one"));
  const std::string* const value = &*kept;
  { const Text copy = kept; }
  kept.edit() = "two";
  CHECK(&*kept == value);
}

TEST_CASE("copy on write: none, moved and assigned") {
  Text none;
  CHECK_FALSE(none);
  CHECK(none == Text());
  Text text(std::string("one"));
  CHECK_FALSE(none == text);
  CHECK(text == Text(std::string("one")));
  CHECK_FALSE(text == Text(std::string("two")));
  Text moved = std::move(text);
  CHECK(*moved == "one");
  const Text& itself = moved;
  moved = itself;
  CHECK(*moved == "one");
  const Text copy = moved;
  CHECK(moved.emplace().empty());
  CHECK(*copy == "one");
  moved = none;
  CHECK_FALSE(moved.has_value());
}

TEST_CASE("copy on write: copies are read and let go by other threads while one is edited") {
  CopyOnWrite<std::vector<int>> numbers(std::vector<int>{0});
  std::vector<std::thread> readers;
  for (int i = 1; i <= 50; ++i) {
    readers.emplace_back(
        [copy = numbers, i] { CHECK(copy->size() == static_cast<std::size_t>(i)); });
    numbers.edit().push_back(i);
  }
  for (std::thread& reader : readers) reader.join();
  CHECK(numbers->size() == 51);
}

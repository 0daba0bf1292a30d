#include "exporter/store/state_codec.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <limits>

#include "exporter/base/digest.h"
#include "tests/store/sample_state.h"

using namespace registry_exporter;
using namespace registry_exporter::store;

namespace {

constexpr BlobPlace kPlace{.row = 7, .owner = 3};

/// No field at its default, and short.
RegistryState small_registry() {
  RegistryState state;
  state.identity = "a/acr/cri-1";
  state.created_at = UnixMillis{Millis{1'767'323'045'000}};
  state.discovery_scope = "*";
  state.discovered = true;
  state.bucket_bounds = {10, 60.5};
  state.records = {1, 2, 3, 4};
  state.rejected = {5, 6};
  state.invalid_durations = {7, 300};
  state.history_gaps = 8;
  state.last_success = UnixMillis{Millis{1'767'323'046'000}};
  state.scrapers = {{77, UnixMillis{Millis{1'767'323'047'000}}}};
  return state;
}

/// As versions 1 to 3 have it.
RegistryState before_version_4(RegistryState state) {
  state.scrapers.clear();
  return state;
}

RepositoryState small_repository() {
  const UnixMillis time{Millis{1'767'323'045'000}};
  RepositoryState state;
  state.ref = {"team", "app", "crr-1"};
  state.passes_missed = 1;
  state.excluded = true;
  state.kind = &kAcrSyncs;
  state.unlisted = true;
  state.scope_changed_at = time;
  Ledger& ledger = state.ledger;
  ledger.known = 3;
  ledger.present = {0, 2, 0, 0};
  ledger.counters.events[Outcome::success] = 2;
  ledger.counters.created_at = time;
  ledger.counters.durations[Outcome::success] =
      DurationHistogram{{1, 1}, 90'000, {2, 1, {{-4, 300}, {22, 1}}}, time};
  ledger.open = {{"build-1", record_key("build-1"), time, true, 2, true, {"o", "n", ""}, true}};
  ledger.floor = time;
  ledger.read_whole = true;
  ledger.unanchored = {record_key("build-1")};
  ledger.order = ListOrder::oldest_first;
  ledger.walk = Walk{Walk::Goal::sweep, 4, 100, time, 5, 6, 7, 8};
  ledger.tail_page = 9;
  ledger.tail_page_size = 50;
  ledger.unread_from = 500;
  ledger.history_before = time;
  ledger.total_prev = 10;
  ledger.last_read = time;
  ledger.last_build = LastBuild{time, true, Millis{90'000}};
  ledger.last_end[Outcome::success] = time;
  ledger.events_held[Outcome::failed] = true;
  return state;
}

const ClosedRecord kClosed[] = {
    {record_key("build-2"), UnixMillis{Millis{1'767'323'045'000}},
     UnixMillis{Millis{1'767'323'105'000}}, RecordClass::counted, Outcome::success},
    {42, UnixMillis{Millis{1'767'323'044'000}}, UnixMillis{Millis{1'767'323'044'000}},
     RecordClass::vanished, Outcome::tag_rule},
};

/// As versions 1 and 2 have it.
RepositoryState before_version_3(RepositoryState state) {
  state.kind = nullptr;
  state.unlisted = false;
  state.scope_changed_at.reset();
  for (OpenRecord& open : state.ledger.open) {
    open.owner = {};
    open.ended = false;
  }
  state.ledger.counters.created_at.reset();
  for (auto& histogram : state.ledger.counters.durations.values) {
    if (histogram) histogram = DurationHistogram{histogram->counts, histogram->sum_ms};
  }
  return state;
}

/// A repository's blob of these bytes, with their checksum.
std::string sealed(std::string bytes) {
  std::string where(1, static_cast<char>(BlobKind::repository));
  for (const std::int64_t number : {kPlace.row, kPlace.owner}) {
    for (int shift = 0; shift < 64; shift += 8) {
      where.push_back(static_cast<char>(number >> shift));
    }
  }
  std::uint32_t sum = 0;
  for (const std::string& part : {where, bytes}) {
    sum = static_cast<std::uint32_t>(
        crc32_z(sum, reinterpret_cast<const Bytef*>(part.data()), part.size()));
  }
  for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(sum >> shift));
  return bytes;
}

std::string unhex(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

}  // namespace

TEST_CASE("codec: every state is read back as it was written") {
  Dice dice(11);
  for (int round = 0; round < 300; ++round) {
    const BlobPlace place{static_cast<std::int64_t>(dice.next()),
                          static_cast<std::int64_t>(dice.next())};
    const RegistryState registry = sample_registry(dice);
    const auto registry_again = decode_registry(encode_registry(registry, place), place);
    REQUIRE(registry_again);
    CHECK(*registry_again == registry);

    RepositoryState repository = sample_repository(dice);
    const auto closed_again = decode_closed(encode_closed(repository.ledger.closed, place), place);
    REQUIRE(closed_again);
    CHECK(*closed_again == repository.ledger.closed);
    repository.ledger.closed.clear();
    const auto repository_again = decode_repository(encode_repository(repository, place), place);
    REQUIRE(repository_again);
    CHECK(*repository_again == repository);

    const StateHead head{dice.time(), dice.next(), dice.flip()};
    CHECK(decode_head(encode_head(head, place), place).value_or(StateHead{}) == head);
  }
}

TEST_CASE("codec: the ends of the range of times are read back without overflow") {
  const UnixMillis earliest{Millis{std::numeric_limits<std::int64_t>::min()}};
  const UnixMillis latest{Millis{std::numeric_limits<std::int64_t>::max()}};
  const std::vector<ClosedRecord> records = {
      {1, latest, earliest, RecordClass::late, Outcome::failed},
      {2, earliest, latest, RecordClass::baseline, Outcome::date_rule}};
  CHECK(decode_closed(encode_closed(records, kPlace), kPlace).value() == records);
}

TEST_CASE("codec: a flipped bit, a cut, an addition or another place is found") {
  Dice dice(12);
  const std::string blob = encode_repository(sample_repository(dice), kPlace);
  for (std::size_t at = 0; at < blob.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = blob;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      CHECK_FALSE(decode_repository(flipped, kPlace));
    }
    CHECK_FALSE(decode_repository(std::string_view(blob).substr(0, at), kPlace));
  }
  CHECK_FALSE(decode_repository(blob + '\0', kPlace));
  CHECK_FALSE(decode_repository(blob, {.row = 8, .owner = 3}));
  CHECK_FALSE(decode_repository(blob, {.row = 7, .owner = 4}));
  CHECK_FALSE(decode_closed(encode_head({}, kPlace), kPlace));
}

TEST_CASE("codec: the format does not drift by accident") {
  struct Row {
    const char* name;
    std::string written;
    std::string bytes;
  };
  const Row rows[] = {
      {"head", encode_head({UnixMillis{Millis{1'767'323'045'000}}, 300, true}, kPlace),
       "0490b2cccaef66ac02018501c6e5"},
      {"registry", encode_registry(small_registry(), kPlace),
       "040b612f6163722f6372692d310190b2cccaef66012a0100020000000000002440000000"
       "0000404e4001020304050607ac020801e0c1cccaef66014d00000000000000b0d1cccaef"
       "66ae290c3c"},
      {"repository", encode_repository(small_repository(), kPlace),
       "04047465616d03617070056372722d310001010003000200000200000000000001020101"
       "90bf0500000000000001076275696c642d314df7d9bdce80209090b2cccaef6601020101"
       "6f016e0190b2cccaef660001014df7d9bdce8020900002010108c80190b2cccaef660506"
       "070812010a000000000190b2cccaef660190b2cccaef660101a0fe0a0190b2cccaef6600"
       "000000000000010000000000000000000000006401f4030190b2cccaef660190b2cccaef"
       "6604010207ac0234010190b2cccaef6603010190b2cccaef664c25f821"},
      {"closed", encode_closed(kClosed, kPlace),
       "0402a1c209d5fc3568cd90b2cccaef66c0a907102a00000000000000cf0f0035e7d616e9"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(hex(row.written) == row.bytes);
  }
  CHECK(decode_registry(unhex(rows[1].bytes), kPlace).value() == small_registry());
  CHECK(decode_repository(unhex(rows[2].bytes), kPlace).value() == small_repository());
  const auto closed = decode_closed(unhex(rows[3].bytes), kPlace).value();
  CHECK(std::equal(closed.begin(), closed.end(), std::begin(kClosed), std::end(kClosed)));
}

TEST_CASE("codec: what the first release wrote is read, with the defaults of what came later") {
  const std::string registry =
      "010b612f6163722f6372692d310190b2cccaef66012a0101020000000000002440000000"
      "0000404e4001020304050607ac020801e0c1cccaef667086f618";
  const std::string repository =
      "01047465616d03617070056372722d310001010003000200000200000000000102010190"
      "bf05000000000001076275696c642d314df7d9bdce80209090b2cccaef6601020190b2cc"
      "caef660001014df7d9bdce8020900002010108c80190b2cccaef660506070812010a0000"
      "00000190b2cccaef660190b2cccaef660101a0fe0a0190b2cccaef660000000000000100"
      "000000000000000000fc73bc7c";
  const std::string closed =
      "0102a1c209d5fc3568cd90b2cccaef66c0a907102a00000000000000cf0f003567c94669";
  CHECK(decode_head(unhex("0190b2cccaef66ac0201c1caef03"), kPlace));
  CHECK(decode_registry(unhex(registry), kPlace).value() == before_version_4(small_registry()));
  RepositoryState expected = before_version_3(small_repository());
  expected.ledger.tail_page_size = 0;
  expected.ledger.unread_from.reset();
  expected.ledger.history_before.reset();
  CHECK(decode_repository(unhex(repository), kPlace).value() == expected);
  const auto records = decode_closed(unhex(closed), kPlace).value();
  CHECK(std::equal(records.begin(), records.end(), std::begin(kClosed), std::end(kClosed)));
}

TEST_CASE("codec: what version 2 wrote is read, without kinds, native buckets and beginnings") {
  const std::string repository =
      "02047465616d03617070056372722d310001010003000200000200000000000102010190"
      "bf05000000000001076275696c642d314df7d9bdce80209090b2cccaef6601020190b2cc"
      "caef660001014df7d9bdce8020900002010108c80190b2cccaef660506070812010a0000"
      "00000190b2cccaef660190b2cccaef660101a0fe0a0190b2cccaef660000000000000100"
      "0000000000000000006401f4030190b2cccaef66f358e8cc";
  CHECK(decode_repository(unhex(repository), kPlace).value() ==
        before_version_3(small_repository()));
}

TEST_CASE("codec: what version 3 wrote is read, without scrapers") {
  const std::string registry =
      "030b612f6163722f6372692d310190b2cccaef66012a0100020000000000002440000000"
      "0000404e4001020304050607ac020801e0c1cccaef669e8ee642";
  const std::string repository =
      "03047465616d03617070056372722d310001010003000200000200000000000001020101"
      "90bf0500000000000001076275696c642d314df7d9bdce80209090b2cccaef6601020101"
      "6f016e0190b2cccaef660001014df7d9bdce8020900002010108c80190b2cccaef660506"
      "070812010a000000000190b2cccaef660190b2cccaef660101a0fe0a0190b2cccaef6600"
      "000000000000010000000000000000000000006401f4030190b2cccaef660190b2cccaef"
      "6604010207ac0234010190b2cccaef6603010190b2cccaef66698a9b42";
  CHECK(decode_registry(unhex(registry), kPlace).value() == before_version_4(small_registry()));
  CHECK(decode_repository(unhex(repository), kPlace).value() == small_repository());
}

TEST_CASE("codec: native buckets that cannot be are damage") {
  const NativeHistogram bad[] = {
      {4, 0, {}},  // A schema that is not kept.
      {-5, 0, {}},
      {3, 0, {{1, 1}, {1, 1}}},  // Twice the same.
      {3, 0, {{2, 1}, {1, 1}}},  // Out of order.
      {3, 0, {{1, 0}}},          // Empty.
      {3, 0, {{8'193, 1}}},      // Further than any duration.
      {3, 0, {{INT16_MIN, 1}, {INT16_MAX, 1}}},
      {3, 0, std::vector<NativeBucket>(161, {0, 1})},
  };
  for (const NativeHistogram& native : bad) {
    RepositoryState state = small_repository();
    state.ledger.counters.durations[Outcome::success].edit().native = native;
    const auto read = decode_repository(encode_repository(state, kPlace), kPlace);
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == ErrorKind::state_damaged);
  }
}

TEST_CASE("codec: numbers that native buckets can't have are damage, whatever the checksum says") {
  RepositoryState state = small_repository();
  state.ledger.counters.durations[Outcome::success].edit().native = {3, 0, {{7, kNativeCountMax}}};
  const std::string blob = encode_repository(state, kPlace);
  REQUIRE(decode_repository(blob, kPlace));
  const std::string step = "\x0e";
  const std::string count = "\xff\xff\xff\xff\xff\xff\x3f";
  const std::size_t at = blob.find(step + count);
  REQUIRE(at != std::string::npos);
  const std::string steps[] = {"\x82\x80\x02",
                               std::string(9, '\xff') + "\x01"};  // 2^14 + 1, -2^63.
  const std::string counts[] = {"\xff\xff\xff\xff\xff\xff\x7f", "\x85\x80\x80\x80\x80\x80\x40"};
  const auto with = [&](const std::string& bucket) {
    const std::string end = blob.substr(at + step.size() + count.size());
    return sealed(blob.substr(0, at) + bucket + end.substr(0, end.size() - 4));
  };
  CHECK(with(step + count) == blob);
  for (const std::string& other : steps)
    CHECK_FALSE(decode_repository(with(other + count), kPlace));
  for (const std::string& other : counts)
    CHECK_FALSE(decode_repository(with(step + other), kPlace));
}

TEST_CASE("codec: a newer blob is told from a damaged one") {
  // Version 5 with the checksum that such a blob would have.
  CHECK(decode_head(unhex("05004d8c66ad"), kPlace).error().kind == ErrorKind::state_newer);
  std::string flipped = encode_head({}, kPlace);
  flipped[0] = 5;
  CHECK(decode_head(flipped, kPlace).error().kind == ErrorKind::state_damaged);
}

TEST_CASE("codec: a closed record takes at most 20 bytes") {
  const RepositoryState quiet = quiet_repository(1);
  const std::string blob = encode_closed(quiet.ledger.closed, kPlace);
  CHECK(blob.size() <= 20 * quiet.ledger.closed.size());
  MESSAGE("bytes for " << quiet.ledger.closed.size() << " records: " << blob.size());
}

TEST_CASE("codec: a field that is added to the state does not go unsaved") {
  // Does not compile when a field was added: then add it to the codec, to sample_state.h and here.
  [[maybe_unused]] const auto& [identity, created_at, scope, discovered, bounds, records, rejected,
                                invalid, gaps, success, scrapers] = RegistryState{};
  [[maybe_unused]] const auto& [ref, kind, dropped, missed, excluded, hidden, unlisted,
                                scope_changed_at, ledger] = RepositoryState{};
  [[maybe_unused]] const auto& [known, present, counters, open, closed, floor, pending, whole,
                                unanchored, halted, order, walk, tail, tail_size, unread, before,
                                total, newest, capped, wanted, sweep, read, last, last_end,
                                events_held, durations_held] = Ledger{};
  [[maybe_unused]] const auto& [id, key, placed_at, start_known, sweeps_missed, gone, owner,
                                ended] = OpenRecord{};
  [[maybe_unused]] const auto& [goal, next, size, started, first, met, down, up] = Walk{};
  [[maybe_unused]] const auto& [events, durations, began] = EventCounters{};
  [[maybe_unused]] const auto& [counts, sum, native, histogram_began] = DurationHistogram{};
  [[maybe_unused]] const auto& [schema, zeros, buckets] = NativeHistogram{};
  CHECK(true);
}

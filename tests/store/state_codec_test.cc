#include "exporter/store/state_codec.h"

#include <doctest/doctest.h>

#include "exporter/base/digest.h"
#include "tests/store/sample_state.h"

using namespace registry_exporter;

TEST_CASE("codec: every state is read back as it was written") {
  Dice dice(11);
  for (int round = 0; round < 500; ++round) {
    const RegistryState registry = sample_registry(dice);
    const auto registry_again = decode_registry(encode_registry(registry));
    REQUIRE(registry_again);
    CHECK(*registry_again == registry);

    RepositoryState repository = sample_repository(dice);
    const auto closed_again = decode_closed(encode_closed(repository.ledger.closed));
    REQUIRE(closed_again);
    CHECK(*closed_again == repository.ledger.closed);
    repository.ledger.closed.clear();
    const auto repository_again = decode_repository(encode_repository(repository));
    REQUIRE(repository_again);
    CHECK(*repository_again == repository);
  }
}

TEST_CASE("codec: a flipped bit, a cut or an addition is found") {
  Dice dice(12);
  const std::string blob = encode_repository(sample_repository(dice));
  for (std::size_t at = 0; at < blob.size(); ++at) {
    std::string flipped = blob;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    CHECK_FALSE(decode_repository(flipped));
    CHECK_FALSE(decode_repository(std::string_view(blob).substr(0, at)));
  }
  CHECK_FALSE(decode_repository(blob + '\0'));
}

TEST_CASE("codec: the format does not drift by accident") {
  const RepositoryState quiet = quiet_repository(1);
  CHECK(hex(sha256(encode_repository(quiet))).substr(0, 16) == "c8ef8b2bfbd064bb");
  CHECK(hex(sha256(encode_closed(quiet.ledger.closed))).substr(0, 16) == "d851c88ffaf4a369");
}

// Every input of the corpus, and some made from it, with the normal compiler: what a fuzzer has
// found once is never forgotten.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/fuzz/target.h"
#include "tests/store/sample_state.h"

using namespace registry_exporter;

namespace {

constexpr int kMutations = 60;

std::vector<std::string> corpus(const std::string& target) {
  std::vector<std::string> inputs;
  for (const auto& entry : std::filesystem::directory_iterator(FUZZ_CORPUS "/" + target)) {
    std::ifstream file(entry.path(), std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

std::string mutated(std::string input, store::Dice& dice) {
  for (std::uint64_t i = 1 + dice.below(4); i > 0; --i) {
    const std::size_t at = dice.below(input.size() + 1);
    switch (dice.below(4)) {
      case 0:
        input.insert(at, 1, static_cast<char>(dice.next()));
        break;
      case 1:
        input.erase(at, 1 + dice.below(8));
        break;
      case 2:
        input.insert(at, input.substr(dice.below(input.size() + 1), dice.below(40)));
        break;
      default:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << dice.below(8)));
    }
  }
  return input;
}

std::string complaint(const fuzz::Target& target, const std::string& input) {
  try {
    target.run(input);
  } catch (const std::exception& problem) {
    return problem.what();
  }
  return {};
}

}  // namespace

TEST_CASE("fuzz: every input of the corpus, and what becomes of it, keeps the laws") {
  for (const fuzz::Target& target : fuzz::targets()) {
    CAPTURE(target.name);
    const std::vector<std::string> inputs = corpus(target.name);
    CHECK(inputs.size() > 1);
    store::Dice dice(7);
    for (const std::string& input : inputs) {
      CAPTURE(input);
      CHECK(complaint(target, input) == "");
      for (int i = 0; i < kMutations; ++i) {
        const std::string changed = mutated(input, dice);
        const std::string problem = complaint(target, changed);
        CAPTURE(changed);
        if (!problem.empty()) FAIL_CHECK(problem);
      }
    }
  }
}

#include "tests/sim/plan.h"

#include <array>

namespace registry_exporter {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr seconds kDiscoveryInterval{40};
/// Each such seed collects synchronisations, too. Those that once failed are as they were.
constexpr std::uint64_t kSyncsEvery = 8;
constexpr std::uint64_t kSyncsFrom = 4;
/// Each such seed asks for notices, however few its lists are.
constexpr std::uint64_t kNoticesEvery = 9;
constexpr std::uint64_t kNoticesFrom = 7;
/// Each such seed collects SWR's synchronisations, too; each such one of the others has an instance
/// of SWR Enterprise Edition besides.
constexpr std::uint64_t kSwrSyncsEvery = 14;
constexpr std::uint64_t kSwrSyncsFrom = 4;
constexpr std::uint64_t kEnterpriseEvery = 11;
constexpr std::uint64_t kEnterpriseFrom = 2;

simulator::Tricks draw_tricks(Baton& dice) {
  simulator::Tricks tricks;
  const auto sometimes = [&](double value) { return dice.roll(3) == 0 ? value : 0; };
  tricks.deaths_per_day = sometimes(8);
  tricks.rebirths_per_day = sometimes(8);
  tricks.renames_per_day = sometimes(8);
  tricks.denials_per_day = sometimes(24);
  tricks.flips_per_day = sometimes(24);
  tricks.history_max = static_cast<std::size_t>(sometimes(8 + static_cast<double>(dice.roll(40))));
  tricks.late = sometimes(0.1);
  tricks.flickering = sometimes(0.1);
  tricks.removed = sometimes(0.1);
  tricks.same_start = sometimes(0.2);
  tricks.long_builds = sometimes(0.05);
  return tricks;
}

/// What never gets better: totals of a kind, and places that can't be read.
simulator::LastingFaults draw_lasting(Baton& dice) {
  simulator::LastingFaults lasting;
  if (dice.roll(3) == 0)
    lasting.totals = static_cast<simulator::Totals>(dice.roll(simulator::kTotals));
  lasting.cuts_by_offset = dice.roll(2) == 0;
  lasting.echoes_asked_size = dice.roll(2) == 0;
  lasting.answer = static_cast<simulator::Broken>(dice.roll(simulator::kBroken));
  if (dice.roll(6) == 0) lasting.depth = static_cast<int>(14 + dice.roll(50));
  if (dice.roll(8) == 0) lasting.broken_records = static_cast<int>(20 + dice.roll(40));
  if (dice.roll(8) == 0) lasting.broken_ids = static_cast<int>(2 + dice.roll(5));
  if (dice.roll(12) == 0) lasting.broken_repositories = static_cast<int>(2 + dice.roll(3));
  return lasting;
}

simulator::WorldOptions draw_world(Baton& dice, std::uint64_t seed) {
  simulator::WorldOptions options;
  options.seed = seed;
  options.repositories = static_cast<int>(3 + dice.roll(2));
  options.speed = static_cast<double>(10 + dice.roll(100));
  options.order = static_cast<simulator::Order>(dice.roll(4) % 3);  // Newest first is likelier.
  options.history = 0.015 + 0.007 * static_cast<double>(dice.roll(8));
  options.births_per_day = dice.roll(3) == 0 ? 10 : 0;
  if (dice.roll(4) == 0) options.page_size_max = static_cast<int>(4 + dice.roll(10));
  options.tricks = draw_tricks(dice);
  options.lasting = draw_lasting(dice);
  return options;
}

config::RegistryConfig draw_registry(Baton& dice) {
  config::RegistryConfig registry;
  registry.region = "demo-region";
  registry.credentials_given = true;
  registry.page_size = static_cast<int>(4 + dice.roll(10));
  registry.requests_per_second = std::array{4.0, 20.0, 200.0}[dice.roll(3)];
  registry.concurrency = static_cast<int>(1 + dice.roll(3));
  registry.request_timeout = seconds(2);
  return registry;
}

config::SwrConfig draw_swr_keys(Baton& dice) {
  config::SwrConfig swr;
  swr.project_id = "0123456789abcdef0123456789abcdef";
  swr.iam_endpoint = "http://swr.test";
  if (dice.roll(2) == 0) {
    swr.credentials.iam_user.emplace();
    swr.credentials.iam_user->domain_name = "demo-domain";
    swr.credentials.iam_user->user_name = "demo-user";
    swr.credentials.iam_user->password.value = Secret("demo-password");
    swr.credentials.iam_user->project_name = "demo-region";
  } else {
    swr.credentials.access_key.value = Secret("demo-access-key");
    swr.credentials.secret_key.value = Secret("demo-secret-key");
  }
  return swr;
}

config::RegistryConfig draw_enterprise(Baton& dice) {
  config::RegistryConfig enterprise = draw_registry(dice);
  enterprise.name = "ee";
  enterprise.endpoint = "http://swr.test";
  config::SwrConfig cloud = draw_swr_keys(dice);
  cloud.is_enterprise = true;
  if (dice.roll(2) == 0) {
    cloud.instance_name = "demo-enterprise";
  } else {
    cloud.instance_id = "5a1f0c9e-7d2b-4c3e-9f10-6b1d2f3a4c5e";
  }
  enterprise.cloud = cloud;
  return enterprise;
}

config::Config draw_config(Baton& dice) {
  config::Config config;
  config.collection.min_interval = Millis{dice.roll(6) == 0 ? 3000 : 0};
  config.collection.initial_history =
      dice.roll(2) == 0 ? config::InitialHistory::count : config::InitialHistory::baseline;
  config.collection.sweep_interval = kSweepInterval;
  config.collection.discovery_interval = kDiscoveryInterval;
  config.collection.max_staleness = seconds(5);
  // Builds are listed as having started up to 40 minutes ago: just above, the floor rises into
  // them.
  if (dice.roll(3) == 0) config.collection.lookback = minutes(41);
  config::RegistryConfig acr = draw_registry(dice);
  acr.name = "acr";
  acr.endpoint = "http://acr.test";
  config::AcrConfig acr_cloud;
  acr_cloud.instance_id = "cri-demo";
  acr_cloud.credentials.access_key_id.value = Secret("demo-access-key-id");
  acr_cloud.credentials.access_key_secret.value = Secret("demo-access-key-secret");
  acr.cloud = acr_cloud;
  config::RegistryConfig swr = draw_registry(dice);
  swr.name = "swr";
  swr.endpoint = "http://swr.test";
  config::SwrConfig swr_cloud = draw_swr_keys(dice);
  swr_cloud.paging =
      dice.roll(2) == 0 ? config::SwrConfig::Paging::offset : config::SwrConfig::Paging::filter;
  swr_cloud.collect_rules = dice.roll(4) == 0;
  swr.cloud = swr_cloud;
  config.registries = {acr, swr};
  return config;
}

}  // namespace

Plan draw_plan(Baton& dice, std::uint64_t seed) {
  Plan plan;
  plan.config = draw_config(dice);
  plan.world = draw_world(dice, seed);
  plan.mix = std::array{"none", "mild", "nasty"}[dice.roll(3)];
  plan.faults = *simulator::parse_faults(plan.mix);
  plan.faults.tricks = plan.world.tricks;
  plan.lives = static_cast<int>(1 + dice.roll(6));
  if (seed % kSyncsEvery == kSyncsFrom) {
    plan.config.registries[0].collect = {config::Collected::builds, config::Collected::syncs};
  }
  if (seed % kNoticesEvery == kNoticesFrom) {
    plan.asks_for_notices = true;
    plan.world.events = static_cast<simulator::Events>(seed / kNoticesEvery % simulator::kEvents);
  }
  if (seed % kSwrSyncsEvery == kSwrSyncsFrom) {
    plan.config.registries[1].collect = {config::Collected::deletions, config::Collected::syncs};
  }
  if (seed % kEnterpriseEvery == kEnterpriseFrom) {
    plan.config.registries.push_back(draw_enterprise(dice));
    plan.world.ee_repositories = static_cast<int>(4 + dice.roll(24));
    plan.world.replications_tell_times = dice.roll(4) != 0;
  }
  // What shows only after a first reading is told from history by its end.
  plan.world.lifelike_spans =
      plan.config.collection.initial_history == config::InitialHistory::count;
  plan.second_scraper = dice.roll(6) == 0;
  plan.clock_jumps = dice.roll(4) == 0;
  plan.disk_fails = dice.roll(2) == 0;
  plan.disk_slow = dice.roll(3) == 0;
  return plan;
}

}  // namespace registry_exporter

// The fabric's rules: which are in force, and what they say.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "sim/fabric.hpp"
#include "sim/stream.hpp"

namespace hio::sim {

RuleGuard Fabric::add(Rule rule) {
  for (const auto& active : rules_) {
    if (active->removed) continue;
    const auto& taken = active->rule.settles_;
    for (const std::string& wanted : rule.settles_) {
      if (std::find(taken.begin(), taken.end(), wanted) == taken.end()) continue;
      throw std::invalid_argument("the rule '" + rule.name() + "' contradicts '" +
                                  active->rule.name() + "', which is in force: both settle " +
                                  wanted + "; remove that one first");
    }
  }
  if (rule.onPacket_) ++packetRules_;
  if (rule.onCall_) ++callRules_;
  rules_.push_back(std::make_unique<Active>(Active{++ruleNumber_, std::move(rule)}));
  return {*this, ruleNumber_};
}

void Fabric::remove(std::uint64_t number) noexcept {
  for (const auto& active : rules_) {
    if (active->number != number || active->removed) continue;
    active->removed = true;
    if (active->rule.onPacket_) --packetRules_;
    if (active->rule.onCall_) --callRules_;
  }
  if (asking_ == 0) sweepRules();
  const auto released = std::stable_partition(
      held_.begin(), held_.end(), [number](const Held& held) { return held.rule != number; });
  for (auto held = released; held != held_.end(); ++held) {
    --held->segment.connection->pending;
    post(held->segment, clock_);
  }
  held_.erase(released, held_.end());
}

void Fabric::sweepRules() noexcept {
  std::erase_if(rules_, [](const auto& active) { return active->removed; });
}

// The rule added last is asked first.
Verdict Fabric::verdictOf(const Segment& segment, std::uint64_t& rule) {
  if (packetRules_ == 0) return {};
  const End& from = segment.connection->ends.at(segment.side);
  const End& to = segment.connection->ends.at(1U - segment.side);
  const Packet packet{.kind = segment.kind,
                      .from = *from.host,
                      .to = *to.host,
                      .source = from.local,
                      .target = from.remote,
                      .bytes = segment.bytes,
                      .connection = segment.connection->number,
                      .tyme = clock_,
                      .random = random_};
  Verdict verdict;
  ++asking_;
  for (std::size_t i = rules_.size(); i-- > 0;) {
    Active& active = *rules_[i];
    if (active.removed || !active.rule.onPacket_) continue;
    if (const auto said = active.rule.onPacket_(packet)) {
      verdict = *said;
      rule = active.number;
      break;
    }
  }
  if (--asking_ == 0) sweepRules();
  return verdict;
}

CallVerdict Fabric::ask(const Host& host, const Asking& asking) {
  if (callRules_ == 0) return {};
  const Call call{.op = asking.op,
                  .host = host,
                  .at = asking.at,
                  .stream = asking.stream,
                  .bytes = asking.bytes,
                  .moved = asking.moved,
                  .name = asking.name,
                  .tyme = clock_,
                  .random = random_};
  CallVerdict verdict;
  ++asking_;
  for (std::size_t i = rules_.size(); i-- > 0;) {
    Active& active = *rules_[i];
    if (active.removed || !active.rule.onCall_) continue;
    if (auto said = active.rule.onCall_(call)) {
      verdict = std::move(*said);
      break;
    }
  }
  if (--asking_ == 0) sweepRules();
  return verdict;
}

void RuleGuard::remove() noexcept {
  if (fabric_ != nullptr) std::exchange(fabric_, nullptr)->remove(number_);
}

}  // namespace hio::sim

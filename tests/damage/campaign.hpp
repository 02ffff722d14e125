// Tries damaged streams on a decoder and keeps the account. Used by the ordinary and the slow campaign.
#pragma once

#include <pith/container.hpp>

#include <cstring>
#include <vector>

#include "damage/allocation.hpp"
#include "damage/damages.hpp"
#include "damage/outcomes.hpp"
#include "damage/victims.hpp"
#include "support/catch.hpp"

namespace damage {

namespace box = pith::container;

/// What a decoder of a small stream may take besides the object of the codec itself.
inline constexpr std::size_t allowance = std::size_t{1} << 20;

/// Tries damaged copies of one frame. Outcome: an error or the content, never other bytes.
class frame_trial {
  public:
    explicit frame_trial(const victim& v) : victim_(&v), coder_(v.entry->native()), out_(v.content.size()) {
        line_.stream = v.name;
        line_.size = v.stream.size();
        bound_.max_output = v.content.size();
        bound_.max_memory = v.entry->memory + allowance;
        bound_.max_blocks = 3;
    }
    void operator()(const bytes& damaged) {
        const auto n = coder_->decode_frame_into(damaged, out_, bound_);
        const bool same =
            n && *n == out_.size() && (*n == 0 || std::memcmp(out_.data(), victim_->content.data(), *n) == 0);
        line_.add(!n ? outcome::error : same ? outcome::identical : outcome::other);
        // Those that allocate cost more time: they see some of the cases.
        const std::uint64_t each = (line_.size + victim_->entry->memory) / 1024 + 1;
        if (line_.cases % each == 0 || (n && line_.identical < 20)) try_allocating(damaged, n.has_value());
    }
    [[nodiscard]] const line& account() const noexcept { return line_; }

  private:
    void try_allocating(const bytes& damaged, bool expected) {
        bool decoded = false, streamed = false, inspected = false;
        const std::size_t spent = allocation::cost([&] {
            const auto all = block_coders::decode_frame(damaged, bound_);
            decoded = all.has_value();
            if (all && *all != victim_->content) ++line_.other;
        });
        const std::size_t spent_on_stream =
            allocation::cost([&] { streamed = block_coders::verify_stream(damaged, bound_).has_value(); });
        const std::size_t spent_on_headers =
            allocation::cost([&] { inspected = box::inspect(damaged, bound_).has_value(); });
        const std::size_t most = spent < spent_on_stream ? spent_on_stream : spent;
        line_.peak = line_.peak < most ? most : line_.peak;
        if (decoded != expected || streamed != expected || (expected && !inspected) ||
            spent_on_headers != 0 || most > bound_.max_memory)
            FAIL_CHECK(line_.stream << ": the decoders do not agree, or take too much: " << most);
    }
    const victim* victim_;
    std::unique_ptr<block_coders::coder> coder_;
    bytes out_;
    pith::limits bound_;
    line line_;
};

/// Tries damaged copies of one bare block. It has no checksum, so that it may decode to another block, but
/// only to one of the right length, and without a byte taken from the heap; both forms must agree on it.
class block_trial {
  public:
    explicit block_trial(const victim& v)
        : victim_(&v),
          native_(v.entry->native()),
          portable_(v.entry->portable()),
          out_(v.content.size()),
          also_(v.content.size()) {
        line_.stream = v.name;
        line_.size = v.stream.size();
    }
    void operator()(const bytes& damaged) {
        bool whole = false, agreed = false;
        const std::size_t spent = allocation::cost([&] {
            const auto n = native_->decode_into(damaged, out_);
            const auto m = portable_->decode_into(damaged, also_);
            whole = n.has_value();
            agreed = whole ? m && *n == out_.size() && *m == *n && out_ == also_
                           : !m && n.error().code == m.error().code;
        });
        const bool same = whole && out_ == victim_->content;
        line_.add(!whole ? outcome::error : same ? outcome::identical : outcome::other);
        line_.peak = line_.peak < spent ? spent : line_.peak;
        if (!agreed) FAIL_CHECK(line_.stream << ": the portable and the native form do not agree");
    }
    [[nodiscard]] const line& account() const noexcept { return line_; }

  private:
    const victim* victim_;
    std::unique_ptr<block_coders::coder> native_, portable_;
    bytes out_, also_;
    line line_;
};

/// Each victim through a trial, `damages(victim, index, trial)` saying how it is damaged.
template <class Trial, class Damages>
std::vector<line> campaign(const std::vector<victim>& victims, Damages&& damages) {
    std::vector<line> lines;
    for (std::size_t i = 0; i < victims.size(); ++i) {
        Trial trial(victims[i]);
        trial(victims[i].stream);
        CHECK(trial.account().identical == 1);
        damages(victims[i], i, trial);
        lines.push_back(trial.account());
    }
    return lines;
}

inline line sum(const std::vector<line>& lines) {
    line all;
    for (const line& l : lines) all.add(l);
    return all;
}

}  // namespace damage

// What the text and binary codecs mix: lists of contexts, runs and selectors, fast ones and thorough ones.
// Chosen by ablation; what each part is worth stands in bench/tried.md.
#pragma once

#include <cstdint>

#include <pith/mixing/contexts.hpp>
#include <pith/mixing/contexts_binary.hpp>
#include <pith/mixing/selectors.hpp>
#include <pith/mixing/x86_history.hpp>

namespace pith::inline v1::mixing {

namespace detail {
struct default_rates {
    static constexpr bool sure_inputs = false;
    static constexpr std::uint32_t first_rate = 400, last_rate = 120, final_rate = 40;
    static constexpr int first_weight = 2000;
};
}  // namespace detail

/// Text and markup, about 1 MB/s.
struct fast_text : detail::default_rates {
    using history = byte_history;
    using contexts = context_list<order<2>, order<3>, order<4>, order<6>, word, word_pair<1>, classes<6>,
                                  class_changes, bracket, indirect_two, above, sparse<0xFFFF00>>;
    using runs = context_list<order<4>, word, word_pair<1>>;
    using selectors = selector_list<selected_by::experience, selected_by::partial, selected_by::classes,
                                    selected_by::expected>;
};

/// Everything else, machine code above all.
struct fast_binary : detail::default_rates {
    using history = x86_history;
    using contexts = context_list<order<2>, order<3>, order<4>, order<6>, sparse<0xFFFF00>, sparse<0xFF00>, sparse<0xFF00FF>,
                                  instructions<0>, instructions<1>, instructions<2>, opcode_and<1>, opcode_and<2>, opcode_operand>;
    using runs = context_list<order<3>, instructions<1>>;
    using selectors = selector_list<selected_by::experience, selected_by::partial, selected_by::instruction,
                                    selected_by::expected>;
};

}  // namespace pith::inline v1::mixing

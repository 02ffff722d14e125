// What the text and binary codecs mix: lists of contexts, runs and selectors, fast ones and thorough ones.
// Chosen by ablation; what each part is worth stands in bench/tried.md.
#pragma once

#include <cstdint>

#include <pith/mixing/contexts.hpp>
#include <pith/mixing/contexts_binary.hpp>
#include <pith/mixing/contexts_text.hpp>
#include <pith/mixing/record_history.hpp>
#include <pith/mixing/selectors.hpp>
#include <pith/mixing/text_history.hpp>
#include <pith/mixing/x86_history.hpp>

namespace pith::inline v1::mixing {

namespace detail {
struct default_rates {
    using finals = selector_list<selected_by::partial, selected_by::experience>;
    static constexpr std::uint32_t first_rate = 400, last_rate = 120, final_rate = 40;
    static constexpr int first_weight = 2000;
    static constexpr unsigned log2_places = 20;
};
}  // namespace detail

/// Text and mark-up.
struct fast_text : detail::default_rates {
    using history = byte_history;
    using contexts = context_list<order<2>, order<3>, order<4>, order<6>, word, word_pair<1>, class_changes,
                                  bracket, indirect_two, classes<6>, word_pair<2>>;
    using runs = context_list<order<4>, word>;
    using selectors = selector_list<selected_by::experience, selected_by::partial, selected_by::classes,
                                    selected_by::expected, selected_by::bracket>;
};
/// Machine code, and what is neither text nor records.
struct fast_code : detail::default_rates {
    static constexpr unsigned log2_places = 18;
    using history = x86_history;
    using contexts =
        context_list<order<2>, order<3>, order<4>, order<6>, instructions<0>, instructions<1>, opcode_and<1>>;
    using runs = context_list<order<3>, instructions<1>>;
    using selectors = selector_list<selected_by::experience, selected_by::partial, selected_by::instruction>;
};
/// Records of a fixed length: tables, bitmaps, samples.
struct fast_records : detail::default_rates {
    static constexpr unsigned log2_places = 18;
    using history = record_history;
    using contexts =
        context_list<order<2>, order<3>, order<4>, record_above_left, record_above_two, record_around,
                     record_slope, record_column, sparse<0xFFFF00>, sparse<0xFF00FF>, order<6>>;
    using runs = context_list<order<3>, record_above_two>;
    using selectors = selector_list<selected_by::experience, selected_by::partial, selected_by::cell,
                                    selected_by::expected>;
};

/// The same kinds at a fifth of the speed.
struct max_text : detail::default_rates {
    static constexpr std::uint32_t last_rate = 45;
    static constexpr int first_weight = 600;
    static constexpr std::uint32_t final_rate = 60;
    using history = text_history;
    using contexts =
        context_list<order<2>, order<3>, order<4>, order<6>, order<8>, word, word_pair<1>, word_pair<2>,
                     word_pair<3>, classes<4>, classes<6>, classes<10>, class_changes, bracket, indirect_one,
                     indirect_two, above, first_of_line, sparse<0xFFFF00>, sparse<0xFF00FF>,
                     sparse<0xFFFFFF00>, word_after<1>, word_after<2>, words_before, bracket_word,
                     indirect_three, word_endings, letters, shapes, word_gap, follower_of_word,
                     follower_of_two_words, tag_pair, tag_word, line_word, line_words, word_length>;
    using runs = context_list<order<3>, order<4>, order<6>, word, word_pair<1>, classes<6>>;
    using selectors = selector_list<selected_by::experience, selected_by::partial, selected_by::classes,
                                    selected_by::expected, selected_by::bracket, selected_by::second_byte,
                                    selected_by::column, selected_by::changes, selected_by::known_partial,
                                    selected_by::third_byte, selected_by::word_shape,
                                    selected_by::last_partial, selected_by::bracket_partial>;
    using finals = selector_list<selected_by::partial, selected_by::experience, selected_by::expected,
                                 selected_by::classes>;
};
struct max_code : detail::default_rates {
    static constexpr int first_weight = 1200;
    using history = x86_history;
    using contexts =
        context_list<order<2>, order<3>, order<4>, order<5>, order<6>, order<8>, sparse<0xFF00>,
                     sparse<0xFFFF00>, sparse<0xFF00FF>, sparse<0xFF0000FF>, sparse<0xFFFFFF00>,
                     instructions<0>, instructions<1>, instructions<2>, instructions<3>, opcode_and<1>,
                     opcode_and<2>, opcode_and<3>, opcode_operand, indirect_one, indirect_two, word>;
    using runs = context_list<order<3>, order<4>, instructions<1>, instructions<2>>;
    using selectors = selector_list<selected_by::experience, selected_by::partial, selected_by::instruction,
                                    selected_by::expected, selected_by::second_byte, selected_by::opcode>;
};
struct max_records : detail::default_rates {
    static constexpr int first_weight = 1500;
    using history = record_history;
    using contexts = context_list<order<2>, order<3>, order<4>, record_above_left, record_above_two,
                                  record_around, record_slope, record_column, order<6>, sparse<0xFF00>,
                                  sparse<0xFFFF00>, sparse<0xFF00FF>, sparse<0xFF0000FF>, record_above_three,
                                  record_corner, indirect_one, indirect_two, word>;
    using runs = context_list<order<3>, record_above_two, record_column>;
    using selectors = selector_list<selected_by::experience, selected_by::partial, selected_by::cell,
                                    selected_by::expected, selected_by::second_byte, selected_by::cell_above>;
};

}  // namespace pith::inline v1::mixing

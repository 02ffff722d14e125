// Levels of context mixing: which profiles, how much memory, and into how many parts a block is cut.
// Chosen by the figures in bench/tried.md.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <pith/mixing/context_mixer.hpp>
#include <pith/mixing/profiles.hpp>
#include <pith/mixing/quick_mixer.hpp>

namespace pith::inline v1::codec {

/// What a level of context mixing is made of.
struct fast_mixing {
    static constexpr std::uint32_t recipe = 0x48;
    static constexpr const char* name = "fast";
    static constexpr unsigned log2_lines = 22;  ///< of histories, for each part
    static constexpr unsigned log2_block = 25;
    static constexpr std::size_t lines_for = 1;  ///< each byte, within a factor of two, as far as they reach
    static constexpr std::size_t words_from = std::size_t{1} << 18;  ///< bytes of text get a dictionary
    static constexpr std::uint32_t least_saving = 40;  ///< bytes, of a word's code: fewer bytes are faster
    static constexpr std::size_t parts = 1;            ///< of a block, that may be coded at the same time
    static constexpr std::size_t cut_from = std::size_t{1} << 21;  ///< shorter blocks are not cut
    template <class Profile, mixing::mixing_kernel Kernel>
    using model = mixing::quick_mixer<Profile, Kernel>;
    using text = mixing::fast_text;
    using code = mixing::fast_code;
    using records = mixing::fast_records;
};
struct max_mixing {
    static constexpr std::uint32_t recipe = 0x49;
    static constexpr const char* name = "max";
    static constexpr unsigned log2_lines = 23;
    static constexpr unsigned log2_block = 26;
    static constexpr std::size_t lines_for = 4;
    static constexpr std::size_t words_from = std::size_t{1} << 21;
    static constexpr std::uint32_t least_saving = 400;
    static constexpr std::size_t parts = 1;
    static constexpr std::size_t cut_from = std::size_t{1} << 21;
    template <class Profile, mixing::mixing_kernel Kernel>
    using model = mixing::context_mixer<Profile, Kernel>;
    using text = mixing::max_text;
    using code = mixing::max_code;
    using records = mixing::max_records;
};

/// The same for two threads: each part has half as many histories.
struct fast_pair_mixing : fast_mixing {
    static constexpr std::uint32_t recipe = 0x4A;
    static constexpr const char* name = "fast pair";
    static constexpr unsigned log2_lines = 21;
    static constexpr unsigned log2_block = 24;
    static constexpr std::size_t parts = 2;
};
struct max_pair_mixing : max_mixing {
    static constexpr std::uint32_t recipe = 0x4B;
    static constexpr const char* name = "max pair";
    static constexpr unsigned log2_lines = 22;
    static constexpr unsigned log2_block = 25;
    static constexpr std::size_t parts = 2;
};

template <class L>
concept mixing_level = requires {
    { L::recipe } -> std::convertible_to<std::uint32_t>;
    { L::name } -> std::convertible_to<const char*>;
    { L::log2_lines + L::log2_block } -> std::convertible_to<unsigned>;
    { L::lines_for + L::words_from } -> std::convertible_to<std::size_t>;
    { L::least_saving } -> std::convertible_to<std::uint32_t>;
    { L::parts + L::cut_from } -> std::convertible_to<std::size_t>;
}
&&L::parts >= 1 && L::parts <= 16 && L::cut_from >= 64 &&
    mixing::mixing_profile<typename L::text>&& mixing::mixing_profile<typename L::code>&&
        mixing::mixing_profile<typename L::records>;

}  // namespace pith::inline v1::codec

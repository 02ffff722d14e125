// Recipes: compositions of coders as stable 32-bit ids, so that a decoder finds its codec or refuses
// politely. The list of a program's codecs is a type, known at compile time; there is no registry that grows
// at run time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>  // std::size

#include <pith/container/concepts.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>

namespace pith::inline v1::container {

/// The ids that this library writes. An id, once released, means the same bytes for ever.
namespace recipes {
inline constexpr std::uint32_t stored = 0;
inline constexpr std::uint32_t huffman = 0x01;
inline constexpr std::uint32_t tans = 0x02;
inline constexpr std::uint32_t rans_order0 = 0x03;
inline constexpr std::uint32_t rans_order1 = 0x04;
inline constexpr std::uint32_t rice = 0x05;
inline constexpr std::uint32_t adaptive_binary = 0x10;  ///< + the order, 0..15
inline constexpr std::uint32_t adaptive_nibble = 0x20;  ///< + the order, 0..15
inline constexpr std::uint32_t smallest = 0x40;         ///< a coder chosen for each block
inline constexpr std::uint32_t fast = 0x48;             ///< context mixing, codec/context_mixing.hpp
inline constexpr std::uint32_t max = 0x49;              ///< the same with more of everything
inline constexpr std::uint32_t fast_pair = 0x4A;        ///< fast, large blocks cut for two threads
inline constexpr std::uint32_t max_pair = 0x4B;         ///< max, large blocks cut for two threads
inline constexpr std::uint32_t tensor_instant = 0x60;   ///< of tensors' own streams, codec/tensor.hpp
inline constexpr std::uint32_t tensor_rans = 0x61;
inline constexpr std::uint32_t tensor_archive = 0x62;
inline constexpr std::uint32_t first_of_users = 0x8000'0000;  ///< from here on ids are the programs' own
}  // namespace recipes

/// The recipe's name for messages; "unknown recipe" for ids of later releases, "user recipe" for programs'
/// own.
[[nodiscard]] constexpr const char* name_of_recipe(std::uint32_t id) noexcept {
    constexpr const char* plain[] = {"stored", "huffman", "tans", "rans order 0", "rans order 1", "rice"};
    constexpr const char* binary[] = {
        "adaptive binary order 0",  "adaptive binary order 1",  "adaptive binary order 2",
        "adaptive binary order 3",  "adaptive binary order 4",  "adaptive binary order 5",
        "adaptive binary order 6",  "adaptive binary order 7",  "adaptive binary order 8",
        "adaptive binary order 9",  "adaptive binary order 10", "adaptive binary order 11",
        "adaptive binary order 12", "adaptive binary order 13", "adaptive binary order 14",
        "adaptive binary order 15"};
    constexpr const char* nibble[] = {
        "adaptive nibble order 0",  "adaptive nibble order 1",  "adaptive nibble order 2",
        "adaptive nibble order 3",  "adaptive nibble order 4",  "adaptive nibble order 5",
        "adaptive nibble order 6",  "adaptive nibble order 7",  "adaptive nibble order 8",
        "adaptive nibble order 9",  "adaptive nibble order 10", "adaptive nibble order 11",
        "adaptive nibble order 12", "adaptive nibble order 13", "adaptive nibble order 14",
        "adaptive nibble order 15"};
    if (id < std::size(plain)) return plain[id];
    if (id - recipes::adaptive_binary < std::size(binary)) return binary[id - recipes::adaptive_binary];
    if (id - recipes::adaptive_nibble < std::size(nibble)) return nibble[id - recipes::adaptive_nibble];
    if (id == recipes::smallest) return "smallest";
    if (id == recipes::fast) return "fast";
    if (id == recipes::max) return "max";
    if (id == recipes::fast_pair) return "fast pair";
    if (id == recipes::max_pair) return "max pair";
    if (id == recipes::tensor_instant) return "tensor instant";
    if (id == recipes::tensor_rans) return "tensor rans";
    if (id == recipes::tensor_archive) return "tensor archive";
    return id >= recipes::first_of_users ? "user recipe" : "unknown recipe";
}

/// Recipe 0: every block is stored as it is.
struct stored_codec {
    static constexpr std::uint32_t recipe = recipes::stored;
    static constexpr const char* name = "stored";
    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept { return n; }
    [[nodiscard]] static result<std::size_t> encode_into(byte_view in, byte_span) noexcept {
        return in.size();
    }
    [[nodiscard]] static result<std::size_t> decode_into(byte_view, byte_span) noexcept {
        return error{error_code::bad_stream, 0, "recipe 0 has no coded blocks"};
    }
};

namespace detail {

template <class... Codecs>
[[nodiscard]] constexpr bool ids_are_unique() noexcept {
    constexpr std::uint32_t ids[] = {Codecs::recipe..., 0};
    for (std::size_t i = 0; i < sizeof...(Codecs); ++i)
        for (std::size_t j = 0; j < i; ++j)
            if (ids[i] == ids[j]) return false;
    return true;
}

}  // namespace detail

/// The codecs that a program can decode, besides `stored`, which every list has. Ids are unique, and each
/// codec starts from a default object.
template <block_codec... Codecs>
struct recipe_list {
    static_assert((std::is_default_constructible_v<Codecs> && ...), "a decoder starts from a default object");
    static_assert(detail::ids_are_unique<Codecs...>(), "two codecs of one list have the same recipe id");

    [[nodiscard]] static constexpr bool contains(std::uint32_t id) noexcept {
        return id == recipes::stored || ((Codecs::recipe == id) || ...);
    }
    /// Codec name of the id if it is in the list, else the library's name of the id.
    [[nodiscard]] static constexpr const char* name_of(std::uint32_t id) noexcept {
        const char* name = name_of_recipe(id);
        static_cast<void>(((Codecs::recipe == id ? (name = Codecs::name, true) : false) || ...));
        return name;
    }
    /// Bytes of working memory of one codec of the id; 0 when it is not in the list.
    [[nodiscard]] static constexpr std::uint64_t memory_of(std::uint32_t id) noexcept {
        return ((Codecs::recipe == id ? codec_memory<Codecs>() : 0) + ... + 0);
    }
    /// f.template operator()<Codec>() for the codec of the id, or unknown_recipe at `offset`. f gives a
    /// result.
    template <class F>
    static auto visit(std::uint32_t id, std::uint64_t offset, F&& f)
        -> decltype(f.template operator()<stored_codec>()) {
        using result_type = decltype(f.template operator()<stored_codec>());
        if (id == recipes::stored) return f.template operator()<stored_codec>();
        result_type out = error{error_code::unknown_recipe, offset,
                                id >= recipes::first_of_users
                                    ? "written with a program's own recipe, which is not known here"
                                    : "written with a recipe that is not built in here"};
        static_cast<void>(
            ((Codecs::recipe == id ? (out = f.template operator()<Codecs>(), true) : false) || ...));
        return out;
    }
};

}  // namespace pith::inline v1::container

// The block coders of the library behind one interface, each in its portable and in its fastest form.
// A new coder is one line in `all`: frozen vectors, damage campaign and fuzz targets follow from it.
#pragma once

#include <pith/codec/bytes.hpp>
#include <pith/container.hpp>
#include <pith/entropy/adaptive_binary.hpp>
#include <pith/entropy/adaptive_nibble.hpp>
#include <pith/entropy/golomb.hpp>
#include <pith/entropy/huffman.hpp>
#include <pith/entropy/rans_block.hpp>
#include <pith/entropy/rans_order1.hpp>
#include <pith/entropy/tans.hpp>
#include <pith/simd/rans.hpp>
#include <pith/simd/rans_order1.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace block_coders {

using bytes = std::vector<std::uint8_t>;

/// A block coder of any type, with frames in memory.
class coder {
  public:
    virtual ~coder() = default;
    [[nodiscard]] virtual std::size_t max_encoded_size(std::size_t n) const noexcept = 0;
    virtual pith::result<std::size_t> encode_into(pith::byte_view in, pith::byte_span out) noexcept = 0;
    virtual pith::result<std::size_t> decode_into(pith::byte_view in, pith::byte_span out) noexcept = 0;
    virtual pith::result<bytes> encode_frame(pith::byte_view in, std::uint32_t block_size) = 0;
    virtual pith::result<std::size_t> decode_frame_into(pith::byte_view in, pith::byte_span out,
                                                        const pith::limits& bound) noexcept = 0;
};

template <pith::entropy::block_coder Coder>
class coder_of final : public coder {
  public:
    [[nodiscard]] std::size_t max_encoded_size(std::size_t n) const noexcept override {
        return Coder::max_encoded_size(n);
    }
    pith::result<std::size_t> encode_into(pith::byte_view in, pith::byte_span out) noexcept override {
        return coder_.encode_into(in, out);
    }
    pith::result<std::size_t> decode_into(pith::byte_view in, pith::byte_span out) noexcept override {
        return coder_.decode_into(in, out);
    }
    pith::result<bytes> encode_frame(pith::byte_view in, std::uint32_t block_size) override {
        bytes out(pith::container::max_frame_size<Coder>(in.size(), block_size));
        const auto n = pith::container::encode_frame_into(in, out, coder_, {.block_size = block_size});
        if (!n) return n.error();
        out.resize(*n);
        return out;
    }
    pith::result<std::size_t> decode_frame_into(pith::byte_view in, pith::byte_span out,
                                                const pith::limits& bound) noexcept override {
        return pith::container::decode_frame_into(in, out, coder_, bound);
    }

  private:
    Coder coder_;
};

/// One entry of the list: what frozen streams call the coder, and how its two forms are made.
struct entry {
    const char* name;
    std::uint32_t recipe;
    std::uint64_t memory;  ///< of an object, in bytes
    std::unique_ptr<coder> (*portable)();
    std::unique_ptr<coder> (*native)();
    bool quick = true;
};

template <class Coder>
std::unique_ptr<coder> make() {
    return std::make_unique<coder_of<Coder>>();
}

/// A coder whose only form is the portable one, or one whose inner loop comes from simd/ in the second.
template <class Portable, class Native = Portable>
struct forms {
    using native = Native;
    static_assert(Portable::recipe == Native::recipe);
    static constexpr entry value{Native::name, Native::recipe, pith::container::codec_memory<Native>(),
                                 make<Portable>, make<Native>};
};

/// A coder that clears megabytes of tables for each block: too slow for campaigns of millions of small ones,
/// which see its sister of a lower order instead.
template <class Forms>
struct slow_start {
    using native = typename Forms::native;
    static constexpr entry value = [] {
        entry e = Forms::value;
        e.quick = false;
        return e;
    }();
};

template <class... Forms>
struct list {
    using recipes = pith::container::recipe_list<typename Forms::native...>;
    static constexpr std::array<entry, sizeof...(Forms)> entries{Forms::value...};
};

namespace e = pith::entropy;
namespace s = pith::simd;

using all = list<forms<e::huffman<>>,                                      //
                 forms<e::tans<>>,                                         //
                 forms<e::rans_bytes<>, e::rans_bytes<s::rans_rounds<>>>,  //
                 forms<e::rans_order1<>, e::rans_order1<s::order1_rounds<>, s::rans_rounds<>>>,
                 forms<e::rice_bytes>,                                           //
                 forms<e::adaptive_binary<0>>,                                   //
                 forms<e::adaptive_binary<1>>,                                   //
                 slow_start<forms<e::adaptive_binary<2>>>,                       //
                 forms<e::adaptive_nibble<0>, pith::codec::adaptive_nibble<0>>,  //
                 forms<e::adaptive_nibble<1>, pith::codec::adaptive_nibble<1>>,  //
                 slow_start<forms<e::adaptive_nibble<2>, pith::codec::adaptive_nibble<2>>>>;

using recipes = all::recipes;
inline constexpr const auto& entries = all::entries;

/// The coded block, shrunk to its size; empty on error.
inline bytes encoded(coder& c, pith::byte_view in) {
    bytes out(c.max_encoded_size(in.size()));
    const auto n = c.encode_into(in, out);
    out.resize(n ? *n : 0);
    out.shrink_to_fit();
    return out;
}

}  // namespace block_coders

#include "support/block_coders.hpp"

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

namespace block_coders {

namespace {

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

}  // namespace

constinit const std::span<const entry> entries = all::entries;

pith::result<bytes> decode_frame(pith::byte_view frame, const pith::limits& bound) {
    return pith::container::decode_frame<all::recipes>(frame, bound);
}

pith::result<bytes> decode_stream(pith::byte_view frame, const pith::limits& bound) {
    bytes out;
    const auto read = pith::container::decode_stream<all::recipes>(
        pith::container::view_source(frame), pith::container::vector_output(out), bound);
    if (!read) return read.error();
    return out;
}

pith::result<bool> verify_stream(pith::byte_view frame, const pith::limits& bound) {
    const auto read =
        pith::container::verify_stream<all::recipes>(pith::container::view_source(frame), bound);
    if (!read) return read.error();
    return true;
}

std::uint64_t memory_of(std::uint32_t recipe) noexcept { return all::recipes::memory_of(recipe); }

bytes encoded(coder& c, pith::byte_view in) {
    bytes out(c.max_encoded_size(in.size()));
    const auto n = c.encode_into(in, out);
    out.resize(n ? *n : 0);
    out.shrink_to_fit();
    return out;
}

}  // namespace block_coders

// A block coder that takes, block by block, whichever of several coders gives the smallest payload.
// Trying all is the oldest way to choose; what differs is that no memory is needed for it: the winner codes
// twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>

#include <pith/container/concepts.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/concepts.hpp>

namespace pith::inline v1::codec {

/// A block_coder. Payload: the recipe of the coder in one byte, then what that coder wrote. Streams of
/// different lists have one format; a decoder refuses recipes that its list lacks. Memory: that of all
/// coders. Exact.
template <entropy::block_coder... Coders>
requires(sizeof...(Coders) >= 2 && ((Coders::recipe < 0x40) && ...)) class smallest {
  public:
    static constexpr std::uint32_t recipe = 0x40;
    static constexpr const char* name = "smallest";
    static constexpr std::uint64_t memory = (container::codec_memory<Coders>() + ...);

    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept {
        std::size_t most = 0;
        ((most = Coders::max_encoded_size(n) > most ? Coders::max_encoded_size(n) : most), ...);
        return n == 0 ? 0 : 1 + most;
    }

    /// Bytes written, or output_too_small when not even the smallest fits.
    result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        if (in.empty()) return std::size_t{0};
        if (out.empty()) return error{error_code::output_too_small, 0, "the destination is too small"};
        std::size_t least = ~std::size_t{0};
        std::uint32_t best = 0;
        std::uint32_t last = 0;
        const auto attempt = [&]<class Coder>(Coder& coder) {
            const result<std::size_t> size = coder.encode_into(in, out.subspan(1));
            last = Coder::recipe;
            if (!size || *size >= least) return;
            least = *size;
            best = last;
        };
        std::apply([&](auto&... coder) { (attempt(coder), ...); }, coders_);
        if (best == 0) return error{error_code::output_too_small, out.size(), "the destination is too small"};
        out[0] = static_cast<std::uint8_t>(best);
        if (best == last) return 1 + least;
        return with(best, [&](auto& coder) -> result<std::size_t> {
            const result<std::size_t> size = coder.encode_into(in, out.subspan(1));
            if (!size) return size.error();
            return 1 + *size;
        });
    }

    /// out.size(), or unknown_recipe, or what the block's coder reports.
    result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        if (out.empty() && in.empty()) return std::size_t{0};
        if (in.empty()) return error{error_code::truncated, 0, "the block is cut off"};
        return with(in[0], [&](auto& coder) -> result<std::size_t> {
            const result<std::size_t> size = coder.decode_into(in.subspan(1), out);
            if (!size) return size.error().shifted_by(1);
            return *size;
        });
    }

  private:
    template <class F>
    result<std::size_t> with(std::uint32_t id, F&& f) noexcept {
        result<std::size_t> out =
            error{error_code::unknown_recipe, 0, "a block of a coder that is not built in"};
        const auto visit = [&]<class Coder>(Coder& coder) {
            if (Coder::recipe == id) out = f(coder);
        };
        std::apply([&](auto&... coder) { (visit(coder), ...); }, coders_);
        return out;
    }

    std::tuple<Coders...> coders_;
};

}  // namespace pith::inline v1::codec

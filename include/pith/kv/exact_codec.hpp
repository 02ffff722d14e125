// A block codec that keeps half floats: the baseline of every table, and of tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/number.hpp>
#include <pith/core/result.hpp>
#include <pith/kv/bytes.hpp>
#include <pith/kv/concepts.hpp>

namespace pith::inline v1::kv {

/// Two bytes a value, to nearest; what is too large for a half becomes the largest one.
struct exact_codec {
    static constexpr const char* name = "half";

    void encode(view_2d<const float> x, const block_scope&, std::vector<std::byte>& out) const {
        const std::size_t start = out.size();
        out.resize(start + 2 * x.size());
        std::uint8_t* to = writable_bytes(out).data() + start;
        for (std::size_t r = 0; r < x.rows(); ++r)
            for (std::size_t c = 0; c < x.columns(); ++c, to += 2)
                store_le<std::uint16_t>(to, nearest_half(x(r, c)).bits);
    }
    [[nodiscard]] result<void> decode(std::span<const std::byte> in, const block_scope&,
                                      view_2d<float> out) const noexcept {
        if (in.size() != 2 * out.size())
            return error{in.size() < 2 * out.size() ? error_code::truncated : error_code::trailing_data,
                         in.size(), "a block of half floats has another size"};
        const std::uint8_t* from = readable_bytes(in).data();
        for (std::size_t r = 0; r < out.rows(); ++r)
            for (std::size_t c = 0; c < out.columns(); ++c, from += 2) {
                const half h = half::from_bits(load_le<std::uint16_t>(from));
                if ((h.bits & half::top) == half::top)
                    return error{error_code::bad_stream, 2 * (r * out.columns() + c),
                                 "a half float is not finite"};
                out(r, c) = static_cast<float>(h);
            }
        return {};
    }
};

}  // namespace pith::inline v1::kv

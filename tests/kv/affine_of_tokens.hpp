// A small block codec for tests of caches.
#pragma once

#include <pith/core/finite.hpp>
#include <pith/kv/concepts.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace kv_test {

namespace kv = pith::kv;
using pith::view_2d;

/// Four bits a value, one step and least value for each token: small, lossy, checks what it reads.
struct affine_of_tokens {
    static constexpr const char* name = "test affine";

    void encode(view_2d<const float> x, const kv::block_scope&, std::vector<std::byte>& out) const {
        for (std::size_t t = 0; t < x.rows(); ++t) {
            float low = x(t, 0), high = x(t, 0);
            for (std::size_t c = 0; c < x.columns(); ++c) {
                low = std::min(low, x(t, c));
                high = std::max(high, x(t, c));
            }
            const float step = (high - low) / 15.0F;
            put(out, low);
            put(out, step);
            for (std::size_t c = 0; c < x.columns(); c += 2) {
                const auto code = [&](std::size_t i) {
                    if (i >= x.columns() || step == 0.0F) return 0U;
                    return static_cast<unsigned>(std::lround((x(t, i) - low) / step));
                };
                out.push_back(
                    static_cast<std::byte>(std::min(code(c), 15U) | std::min(code(c + 1), 15U) << 4));
            }
        }
    }
    [[nodiscard]] pith::result<void> decode(std::span<const std::byte> in, const kv::block_scope&,
                                            view_2d<float> out) const {
        const std::size_t row = 8 + (out.columns() + 1) / 2;
        if (in.size() != row * out.rows())
            return pith::error{pith::error_code::truncated, in.size(), "a block has another size"};
        for (std::size_t t = 0; t < out.rows(); ++t) {
            const std::byte* p = in.data() + t * row;
            float low, step;
            std::memcpy(&low, p, 4);
            std::memcpy(&step, p + 4, 4);
            if (!pith::is_finite(low) || !pith::is_finite(step) || std::abs(low) > 1e6F ||
                std::abs(step) > 1e6F)
                return pith::error{pith::error_code::bad_stream, t * row, "a scale is not finite"};
            for (std::size_t c = 0; c < out.columns(); ++c) {
                const unsigned pair = static_cast<unsigned>(p[8 + c / 2]);
                out(t, c) = low + step * static_cast<float>(c % 2 == 0 ? pair & 15U : pair >> 4);
            }
        }
        return {};
    }

  private:
    static void put(std::vector<std::byte>& out, float v) {
        std::byte raw[4];
        std::memcpy(raw, &v, 4);
        out.insert(out.end(), raw, raw + 4);
    }
};

}  // namespace kv_test

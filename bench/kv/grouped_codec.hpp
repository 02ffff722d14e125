// KIVI's quantizer by itself, as a block codec without window: the yardstick of the transport benchmark.
// Liu et al. (2024): asymmetric, keys in groups of 32 tokens a channel, values in groups of 32 channels a
// token.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/bits.hpp>
#include <pith/kv/bytes.hpp>
#include <pith/kv/concepts.hpp>

namespace bench {

/// A half for the step, a half for the least value and the codes of each group.
class grouped_codec {
  public:
    explicit grouped_codec(unsigned bits = 4) : bits_(bits) {}

    void encode(pith::view_2d<const float> x, const pith::kv::block_scope& scope,
                std::vector<std::byte>& out) const {
        std::vector<std::uint8_t> bytes;
        pith::vector_sink sink(bytes);
        pith::bit_writer writer(sink);
        const auto v = scope.kind == pith::kv::tensor_kind::keys ? x.transposed() : x;
        for (std::size_t line = 0; line < v.rows(); ++line)
            for (std::size_t first = 0; first < v.columns(); first += 32) {
                const auto group = v.row(line).sub(first, std::min<std::size_t>(32, v.columns() - first));
                float low = group[0], high = group[0];
                for (std::size_t i = 0; i < group.size(); ++i) {
                    low = std::min(low, group[i]);
                    high = std::max(high, group[i]);
                }
                const float most = static_cast<float>((1U << bits_) - 1);
                const pith::half step = pith::kv::nearest_half((high - low) / most),
                                 least = pith::kv::nearest_half(low);
                writer.put(step.bits, 16);
                writer.put(least.bits, 16);
                const auto s = static_cast<float>(step);
                for (std::size_t i = 0; i < group.size(); ++i) {
                    const float place = s > 0 ? (group[i] - static_cast<float>(least)) / s + 0.5F : 0;
                    writer.put(static_cast<std::uint32_t>(std::clamp(place, 0.0F, most)), bits_);
                }
            }
        writer.finish();
        const auto raw = pith::kv::as_std_bytes(bytes);
        out.insert(out.end(), raw.begin(), raw.end());
    }
    [[nodiscard]] pith::result<void> decode(std::span<const std::byte> in, const pith::kv::block_scope& scope,
                                            pith::view_2d<float> out) const {
        pith::bit_reader reader(pith::kv::readable_bytes(in));
        const auto v = scope.kind == pith::kv::tensor_kind::keys ? out.transposed() : out;
        for (std::size_t line = 0; line < v.rows(); ++line)
            for (std::size_t first = 0; first < v.columns(); first += 32) {
                const auto s =
                    static_cast<float>(pith::half::from_bits(static_cast<std::uint16_t>(reader.get(16))));
                const auto least =
                    static_cast<float>(pith::half::from_bits(static_cast<std::uint16_t>(reader.get(16))));
                for (std::size_t i = first; i < std::min(first + 32, v.columns()); ++i)
                    v(line, i) = least + s * static_cast<float>(reader.get(bits_));
            }
        if (reader.overrun())
            return pith::error{pith::error_code::truncated, in.size(), "a block ends too early"};
        return {};
    }

  private:
    unsigned bits_;
};

}  // namespace bench

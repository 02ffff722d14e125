// Block coder over a byte-wise model: its distribution, bit by bit along the byte's tree, calibrated and
// coded. Codes what Midicoth (2026) codes as one of 256 intervals; total and floor of the frequencies are a
// choice.
#pragma once

#include <cstddef>
#include <cstdint>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/entropy/plain_block.hpp>
#include <pith/mixing/byte_concepts.hpp>

namespace pith::inline v1::mixing {

/// A stream's recipe id and its name, as two static members.
template <class I>
concept codec_identity = requires {
    { I::recipe } -> std::convertible_to<std::uint32_t>;
    { I::name } -> std::convertible_to<const char*>;
};

/// A block_coder. Exact if its parts are. Every byte value keeps the frequency of 1 beside 2^TotalBits that
/// the model shares out: no byte costs more than about TotalBits bits, and an empty distribution is uniform.
/// Memory is taken at construction, all of it for blocks as long as the model's tables are made for; what is
/// cleared and touched grows with the block.
template <codec_identity Identity, byte_model Model, byte_calibration Calibration = no_calibration,
          unsigned TotalBits = 24>
requires(TotalBits >= 10 && TotalBits <= 24) class byte_mixture {
  public:
    static constexpr std::uint32_t recipe = Identity::recipe;
    static constexpr const char* name = Identity::name;
    static constexpr std::size_t memory = Model::memory + Calibration::memory;

    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept {
        return n == 0 ? 0 : n + 1;
    }

    /// Bytes written, or output_too_small; max_encoded_size(in.size()) bytes always suffice.
    [[nodiscard]] result<std::size_t> encode_into(byte_view in, byte_span out) noexcept {
        if (in.empty()) return std::size_t{0};
        if (!entropy::is_run(in)) {
            // Room for what is shorter than the stored form, no more.
            span_sink sink(out.first(out.size() < in.size() ? out.size() : in.size()));
            sink.put(static_cast<std::uint8_t>(entropy::block_form::coded));
            encode(in, sink);
            if (!sink.overflowed()) return sink.size();
        }
        return entropy::encode_plain_block(in, out);
    }

    /// Fills `out` from the whole of `in`, or says what is wrong; nothing is read outside `in`.
    [[nodiscard]] result<std::size_t> decode_into(byte_view in, byte_span out) noexcept {
        constexpr auto coded = static_cast<std::uint8_t>(entropy::block_form::coded);
        if (in.empty() || out.empty() || in[0] != coded) return entropy::decode_plain_block(in, out);
        if (in.size() > out.size())
            return error{error_code::trailing_data, out.size(), "the block is too long"};
        entropy::binary_decoder<precision> decoder(in.subspan(1));
        start(out);
        for (std::uint8_t& byte : out) {
            open();
            for (unsigned k = 0; k < 8; ++k) settle(k, decoder.get(probability_of_one(k)));
            byte = detail::reversed_bits[prefix_];
            close(byte);
        }
        const auto end = decoder.finish();
        if (!end) return error{end.error().code, end.error().offset + 1, end.error().text};
        return out.size();
    }

  private:
    static constexpr unsigned precision = 28;
    static constexpr std::uint64_t whole = std::uint64_t{1} << 32;

    void encode(byte_view in, span_sink& sink) noexcept {
        entropy::binary_encoder<span_sink, precision> encoder(sink);
        start(in);
        for (const std::uint8_t byte : in) {
            open();
            for (unsigned k = 0; k < 8; ++k) {
                const bool bit = (byte >> (7 - k) & 1) != 0;
                encoder.put(bit, probability_of_one(k));
                settle(k, bit);
            }
            close(byte);
            if (sink.overflowed()) return;
        }
        encoder.finish();
    }

    void start(byte_view block) noexcept {
        model_.reset(block.size());
        calibration_.reset();
        history_ = {block.data(), 0, 0};
    }
    void open() noexcept {
        byte_evidence evidence = model_.look_up(history_);
        model_.spread(distribution_, byte_distribution::unit);
        distribution_.sum_up();
        evidence.peak = distribution_.peak();
        calibration_.begin(evidence);
        prefix_ = 0;
        mass_ = whole;
    }
    [[nodiscard]] std::uint32_t probability_of_one(unsigned k) noexcept {
        const std::uint64_t all = distribution_.sum(k, prefix_);
        const std::uint64_t ones = distribution_.sum(k + 1, prefix_ | 1U << k);
        const std::uint64_t p = all == 0 ? byte_distribution::unit / 2 : (ones << 30) / all;
        // mass_ <= 2^32 and p <= 2^30
        mass_of_one_ = mass_ * calibration_.refine(k, prefix_, static_cast<std::uint32_t>(p)) >> 30;
        // Each of the 2^(8 - k) leaves below the node has the floor beside its part of the mass. Numerator
        // and denominator are below 2^34, and their quotient is below 1 and above 2^-26.
        constexpr std::uint64_t floor = whole >> TotalBits;
        const std::uint64_t one = mass_of_one_ + (floor << (7 - k));
        return static_cast<std::uint32_t>((one << precision) / (mass_ + (floor << (8 - k))));
    }
    void settle(unsigned k, bool bit) noexcept {
        calibration_.learn(bit);
        mass_ = bit ? mass_of_one_ : mass_ - mass_of_one_;
        prefix_ |= std::uint32_t{bit} << k;
    }
    void close(std::uint8_t byte) noexcept {
        history_.push(byte);
        model_.prepare(history_);
        model_.update(byte);
    }

    Model model_;
    Calibration calibration_;
    byte_distribution distribution_;
    block_history history_;
    std::uint32_t prefix_ = 0;       // bits of this byte, the first in the lowest place
    std::uint64_t mass_ = 0;         // of the node that they lead to, of 2^32
    std::uint64_t mass_of_one_ = 0;  // of its child
};

}  // namespace pith::inline v1::mixing

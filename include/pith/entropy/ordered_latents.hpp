// Latents in passes: encoder and decoder compute the parameters of a pass from all passes before it.
// The decoding loop of checkerboard and channel-grouped context models (see latent_order.hpp).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/entropy/latent_order.hpp>

namespace pith::inline v1::entropy {

/// Codes blocks of int32 symbols, each with parameters of its own, as parametric_codec does.
template <class C>
concept latent_codec = requires(const C c, std::span<const std::int32_t> in, std::span<std::int32_t> out,
                                std::span<const typename C::parameters> given, byte_view code, byte_span to) {
    { C::max_encoded_size(std::size_t{1}) } -> std::same_as<std::size_t>;
    { c.encode_into(in, given, to) } -> std::same_as<result<std::size_t>>;
    { c.decode_into(code, given, out) } -> std::same_as<result<void>>;
};

/// Computes parameters: context(pass, places, known, given) fills given[i] for the latent at places[i]. known
/// holds all latents, 0 where they are not decoded yet. It must be exact: encoder and decoder ask it alike,
/// perhaps on different machines.
template <class F, class Parameters>
concept latent_context = std::invocable<F&, std::size_t, std::span<const std::uint32_t>,
                                        std::span<const std::int32_t>, std::span<Parameters>>;

/// Latents of a shape that both sides know, in the passes of Order. Stream: for each pass the size of its
/// code (varint) and the code. Exact if the context is.
template <latent_codec Codec, latent_order Order = checkerboard_groups>
class ordered_latents {
  public:
    using parameters = typename Codec::parameters;

    explicit ordered_latents(Codec codec, Order order = Order())
        : codec_(std::move(codec)), order_(std::move(order)) {}

    /// Precondition: latents.size() = shape.size(), below 2^32. Errors: what the codec reports.
    template <latent_context<parameters> Context>
    [[nodiscard]] result<std::vector<std::uint8_t>> encode(std::span<const std::int32_t> latents,
                                                           const latent_shape& shape,
                                                           Context&& context) const {
        PITH_ASSERT(latents.size() == shape.size() && shape.size() >> 32 == 0);
        std::vector<std::uint8_t> out, code;
        vector_sink sink(out);
        std::vector<std::int32_t> known(latents.size());
        pass_space space;
        for (std::size_t pass = 0; pass < order_.passes(shape); ++pass) {
            prepare(shape, pass, known, context, space);
            for (std::size_t i = 0; i < space.places.size(); ++i)
                space.values[i] = known[space.places[i]] = latents[space.places[i]];
            code.resize(Codec::max_encoded_size(space.values.size()));
            const auto size = codec_.encode_into(space.values, space.given, code);
            if (!size) return size.error();
            put_varint(sink, *size);
            sink.append(byte_view(code).first(*size));
        }
        return out;
    }

    /// Fills latents, in as many calls of context as there are passes. Precondition and context as for
    /// encode. Errors: truncated, trailing_data, and what the codec reports; latents are then unspecified.
    template <latent_context<parameters> Context>
    [[nodiscard]] result<void> decode(byte_view in, const latent_shape& shape, Context&& context,
                                      std::span<std::int32_t> latents) const {
        PITH_ASSERT(latents.size() == shape.size() && shape.size() >> 32 == 0);
        for (std::int32_t& v : latents) v = 0;
        byte_reader reader(in);
        pass_space space;
        for (std::size_t pass = 0; pass < order_.passes(shape); ++pass) {
            prepare(shape, pass, latents, context, space);
            const auto size = reader.read_varint();
            if (!size) return size.error();
            const std::size_t at = reader.position();
            const auto code = reader.read_bytes(*size);
            if (!code) return code.error();
            const auto done = codec_.decode_into(*code, space.given, space.values);
            if (!done) return done.error().shifted_by(at);
            for (std::size_t i = 0; i < space.places.size(); ++i) latents[space.places[i]] = space.values[i];
        }
        if (reader.remaining() != 0)
            return reader.fail(error_code::trailing_data, "bytes behind the last pass");
        return {};
    }

  private:
    struct pass_space {
        std::vector<std::uint32_t> places{};
        std::vector<parameters> given{};
        std::vector<std::int32_t> values{};
    };

    template <class Context>
    void prepare(const latent_shape& shape, std::size_t pass, std::span<const std::int32_t> known,
                 Context& context, pass_space& space) const {
        order_.places_into(shape, pass, space.places);
        space.given.resize(space.places.size());
        space.values.resize(space.places.size());
        context(pass, std::span<const std::uint32_t>(space.places), known,
                std::span<parameters>(space.given));
    }

    Codec codec_;
    Order order_;
};

}  // namespace pith::inline v1::entropy

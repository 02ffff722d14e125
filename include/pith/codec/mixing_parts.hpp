// The bits of a block under context mixing, in one code, or in parts that can be coded at the same time.
// Own work: a first part is coded alone, then each further part by
// a copy of the model as it then stands, as if it followed the first part directly.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/codec/mixing_levels.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/core/serial.hpp>
#include <pith/core/table.hpp>
#include <pith/entropy/arithmetic_binary.hpp>
#include <pith/mixing/context_mixer.hpp>
#include <pith/mixing/history_slots.hpp>

namespace pith::inline v1::codec {

/// How a block of n bytes is cut: a head, a sixteenth of it, then parts of equal size but for the last;
/// blocks below Level::cut_from are all head. A function of n alone, so that streams do not depend on
/// threads.
template <mixing_level Level>
struct block_cut {
    static constexpr std::size_t parts = Level::parts;
    static constexpr std::size_t head_share = 16;

    std::size_t size, head, part;

    explicit constexpr block_cut(std::size_t n) noexcept
        : size(n),
          head(parts == 1 || n < Level::cut_from ? n : n / head_share),
          part((n - head + parts - 1) / parts) {}

    [[nodiscard]] constexpr std::size_t begin(std::size_t k) const noexcept { return head + k * part; }
    [[nodiscard]] constexpr std::size_t length(std::size_t k) const noexcept {
        return k + 1 < parts ? part : size - begin(k);
    }
};

/// The models of a level, one set for each part, and the loops over bits. Not copied: models are made anew
/// for every block. Memory is taken at construction; Policy says where parts are coded (what a policy takes
/// to start threads comes on top).
template <mixing_level Level, mixing::mixing_kernel Kernel, parallel_policy Policy>
class mixing_parts {
    static constexpr std::size_t parts = Level::parts;
    static constexpr std::size_t max_block = std::size_t{1} << Level::log2_block;
    using cut = block_cut<Level>;
    // What a part is copied to behind the head, and its code: one eighth more than the part, since what
    // grows by more than that is stored.
    static constexpr std::size_t copy_room = parts == 1 ? 0 : cut(max_block).head + cut(max_block).part;
    static constexpr std::size_t code_room(std::size_t part) noexcept { return part + part / 8; }

  public:
    using text_model = typename Level::template model<typename Level::text, Kernel>;
    using code_model = typename Level::template model<typename Level::code, Kernel>;
    using record_model = typename Level::template model<typename Level::records, Kernel>;

    struct model_set {
        mixing::history_slots slots{Level::log2_lines};
        text_model text;
        code_model code;
        record_model records;
    };
    static constexpr std::uint64_t memory =
        parts * ((mixing::history_slots::line_bytes << Level::log2_lines) + text_model::memory() +
                 code_model::memory() + record_model::memory()) +
        (parts - 1) * (copy_room + code_room(cut(max_block).part));

    explicit mixing_parts(const Policy& policy) : policy_(policy) {
        for (std::size_t k = 1; k < parts; ++k) {
            copies_[k] = table<std::uint8_t>::unset(copy_room);
            codes_[k] = table<std::uint8_t>::unset(code_room(cut(max_block).part));
        }
    }
    [[nodiscard]] const Policy& policy() const noexcept { return policy_; }
    /// The models that code the head, to be made ready before a block.
    [[nodiscard]] model_set& first() noexcept { return sets_[0]; }

    /// Appends the code of a block that the model `which` of first() is ready for. False if it is not to be
    /// used, for it is longer than the block.
    template <class Model>
    bool encode(Model model_set::*which, byte_view block, span_sink& sink) noexcept {
        const cut to(block.size());
        std::array<std::uint32_t, parts> sizes{};
        std::size_t start = sink.size();
        encode_bits(first().*which, block.first(to.head), sink);
        if (to.head == to.size) return true;
        sizes[0] = static_cast<std::uint32_t>(sink.size() - start);
        start = sink.size();
        for (std::size_t k = 1; k < parts; ++k) {
            continue_in(k, which, block.first(to.head));
            std::memcpy(copies_[k].data() + to.head, block.data() + to.begin(k), to.length(k));
        }
        std::array<std::size_t, parts> coded{};
        for_each_index(policy_, parts, [&](std::size_t k, std::size_t) {
            if (k == 0) return encode_bits(first().*which, block.subspan(to.begin(0), to.length(0)), sink);
            span_sink own(codes_[k]);
            encode_bits(sets_[k].*which, byte_view(copies_[k]).subspan(to.head, to.length(k)), own);
            coded[k] = own.size();
        });
        coded[0] = sink.size() - start;
        for (std::size_t k = 1; k < parts; ++k) {
            if (coded[k] > codes_[k].size()) return false;
            sizes[k] = static_cast<std::uint32_t>(coded[k - 1]);
            sink.append(byte_view(codes_[k]).first(coded[k]));
        }
        for (const std::uint32_t size : sizes) put_le<std::uint32_t>(sink, size);
        return true;
    }

    /// Fills out, which is where the model `which` of first() reads its block, from the code at in[head..].
    template <class Model>
    result<std::size_t> decode(Model model_set::*which, byte_view in, std::size_t head,
                               byte_span out) noexcept {
        const cut to(out.size());
        const byte_view code = in.subspan(head);
        if (to.head == to.size) {
            const result<void> ok = decode_bits(first().*which, code, head, out);
            if (!ok) return ok.error();
            return out.size();
        }
        const result<std::array<byte_view, parts + 1>> codes = divided(code, head);
        if (!codes) return codes.error();
        const auto offset = [&](std::size_t k) {
            return static_cast<std::size_t>((*codes)[k].data() - in.data());
        };
        const result<void> begun = decode_bits(first().*which, (*codes)[0], offset(0), out.first(to.head));
        if (!begun) return begun.error();
        for (std::size_t k = 1; k < parts; ++k) continue_in(k, which, out.first(to.head));
        std::array<result<void>, parts> ends;
        for_each_index(policy_, parts, [&](std::size_t k, std::size_t) {
            const byte_span to_part = k == 0 ? out.subspan(to.begin(0), to.length(0))
                                             : byte_span(copies_[k]).subspan(to.head, to.length(k));
            ends[k] = decode_bits(sets_[k].*which, (*codes)[k + 1], offset(k + 1), to_part);
        });
        for (std::size_t k = 0; k < parts; ++k) {
            if (!ends[k]) return ends[k].error();
            if (k != 0) std::memcpy(out.data() + to.begin(k), copies_[k].data() + to.head, to.length(k));
        }
        return out.size();
    }

  private:
    template <class Model>
    void continue_in(std::size_t k, Model model_set::*which, byte_view head) noexcept {
        std::memcpy(copies_[k].data(), head.data(), head.size());
        sets_[k].slots.copy(first().slots);
        (sets_[k].*which).continue_from(first().*which, sets_[k].slots, copies_[k].data());
    }
    /// The codes of the head and of the parts: the sizes of all but the last stand behind them.
    static result<std::array<byte_view, parts + 1>> divided(byte_view code, std::size_t head) noexcept {
        constexpr std::size_t sizes = 4 * parts;
        if (code.size() < sizes)
            return error{error_code::truncated, head + code.size(), "the block is cut off"};
        const std::uint8_t* at = code.data() + code.size() - sizes;
        code = code.first(code.size() - sizes);
        std::array<byte_view, parts + 1> out;
        for (std::size_t k = 0; k < parts; ++k, at += 4) {
            const std::size_t n = load_le<std::uint32_t>(at);
            if (n > code.size())
                return error{error_code::bad_header, head, "a part is longer than the block's code"};
            out[k] = code.first(n);
            code = code.subspan(n);
        }
        out[parts] = code;
        return out;
    }
    template <class Model>
    static void encode_bits(Model& model, byte_view block, span_sink& sink) noexcept {
        entropy::binary_encoder<span_sink> coder(sink);
        for (const std::uint8_t byte : block) {
            for (unsigned k = 8; k-- > 0;) {
                const bool bit = (byte >> k & 1) != 0;
                coder.put(bit, model.probability_of_one());
                model.update(bit);
            }
        }
        coder.finish();
    }
    template <class Model>
    static result<void> decode_bits(Model& model, byte_view code, std::size_t offset,
                                    byte_span out) noexcept {
        entropy::binary_decoder<> coder(code);
        for (std::uint8_t& byte : out) {
            unsigned c = 1;
            for (unsigned k = 0; k < 8; ++k) {
                const bool bit = coder.get(model.probability_of_one());
                c = 2 * c + (bit ? 1 : 0);
                if (k == 7) byte = static_cast<std::uint8_t>(c);
                model.update(bit);
            }
        }
        const result<void> end = coder.finish();
        if (!end) return end.error().shifted_by(offset);
        return {};
    }

    Policy policy_;
    std::array<model_set, parts> sets_;
    std::array<table<std::uint8_t>, parts> copies_, codes_;  // none for the first
};

}  // namespace pith::inline v1::codec

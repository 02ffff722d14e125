// A block codec behind one type, so that tables over many codecs build one cache and not one for each.
// What a codec asks of the cache stays in the type; the virtual call is one for each block.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <pith/kv/concepts.hpp>
#include <pith/kv/part_traits.hpp>

namespace pith::inline v1::kv {

template <std::size_t Layers = 1, bool UsesPrevious = false, bool UsesCurrentKeys = false,
          bool UsesQueries = false>
class erased_codec {
  public:
    static constexpr const char* name = "erased";
    static constexpr std::size_t layers = Layers;
    static constexpr bool uses_previous = UsesPrevious;
    static constexpr bool uses_current_keys = UsesCurrentKeys;
    static constexpr bool uses_queries = UsesQueries;

    /// The type itself comes first: a copy must not ask whether it is a codec while that is being decided.
    template <class C>
    requires(!std::same_as<C, erased_codec> && block_codec<C>) explicit erased_codec(C codec)
        : held_(std::make_shared<const model<C>>(std::move(codec))) {
        static_assert(
            layers_of<C>() == Layers &&
            (UsesPrevious || !kv::uses_previous<C>)&&(UsesCurrentKeys || !kv::uses_current_keys<C>)&&(
                UsesQueries || !kv::uses_queries<C>));
    }
    void encode(view_2d<const float> x, const block_scope& scope, std::vector<std::byte>& out) const {
        held_->encode(x, scope, out);
    }
    [[nodiscard]] result<void> decode(std::span<const std::byte> in, const block_scope& scope,
                                      view_2d<float> out) const {
        return held_->decode(in, scope, out);
    }
    [[nodiscard]] std::size_t constant_bytes() const { return held_->constant_bytes(); }
    /// Of the codec's name, too.
    [[nodiscard]] std::uint64_t fingerprint() const { return held_->fingerprint(); }

  private:
    struct interface {
        virtual ~interface() = default;
        virtual void encode(view_2d<const float>, const block_scope&, std::vector<std::byte>&) const = 0;
        virtual result<void> decode(std::span<const std::byte>, const block_scope&, view_2d<float>) const = 0;
        virtual std::size_t constant_bytes() const = 0;
        virtual std::uint64_t fingerprint() const = 0;
    };
    template <class C>
    struct model final : interface {
        explicit model(C c) : codec(std::move(c)) {}
        void encode(view_2d<const float> x, const block_scope& s,
                    std::vector<std::byte>& out) const override {
            codec.encode(x, s, out);
        }
        result<void> decode(std::span<const std::byte> in, const block_scope& s,
                            view_2d<float> out) const override {
            return codec.decode(in, s, out);
        }
        std::size_t constant_bytes() const override {
            if constexpr (requires { codec.constant_bytes(); }) return codec.constant_bytes();
            return 0;
        }
        std::uint64_t fingerprint() const override {
            detail::mark out;
            if constexpr (requires { C::name; }) out.add_text(C::name);
            return out.add_part(codec).value();
        }
        C codec;
    };
    std::shared_ptr<const interface> held_;
};

/// The erased form of a codec.
template <block_codec C>
using erased_form = erased_codec<layers_of<C>(), uses_previous<C>, uses_current_keys<C>, uses_queries<C>>;

}  // namespace pith::inline v1::kv

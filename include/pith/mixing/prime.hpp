// Priming: a model of text reads a sample before a block, so that it knows words and mark-up from the start.
// After the built-in dictionary of Brotli (Alakuijala and Szabadka, 2016); a model that learns needs no
// index.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pith/mixing/prime_markup.hpp>
#include <pith/mixing/prime_prose.hpp>

namespace pith::inline v1::mixing {

/// The samples, in the order in which they are read: the last is remembered best.
struct prime_text {
    /// Calls f(bytes, size) for each sample.
    template <class F>
    static void for_each(F&& f) {
        f(detail::prime_markup, sizeof detail::prime_markup - 1);
        f(detail::prime_prose, sizeof detail::prime_prose - 1);
    }
    static constexpr std::size_t longest = sizeof detail::prime_prose;
};

/// Lets a model read the samples. `scratch` is used for a copy: at least prime_text::longest bytes. The model
/// then has to be started before its block.
template <class Model>
void prime(Model& model, std::uint8_t* scratch) noexcept {
    prime_text::for_each([&](const char* text, std::size_t n) {
        std::memcpy(scratch, text, n);
        model.start(scratch);
        for (std::size_t i = 0; i < n; ++i)
            for (unsigned bit = 8; bit-- > 0;) model.update((scratch[i] >> bit & 1) != 0);
    });
}

}  // namespace pith::inline v1::mixing

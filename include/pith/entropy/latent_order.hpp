// Orders in which latents of a learned codec are decoded: many at once, each pass knowing those before it.
// Checkerboard: He, Zheng, Sun, Wang, Qin (2021); groups of channels: Minnen, Singh (2020); both, in groups
// of unequal size: ELIC (He, Yang, Peng, Ma, Qin, Wang, 2022). The passes are theirs; the form of a pass is
// ours.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/assert.hpp>

namespace pith::inline v1::entropy {

/// Latents stand channel after channel, row after row.
struct latent_shape {
    std::size_t channels = 0, height = 0, width = 0;

    [[nodiscard]] constexpr std::size_t plane() const noexcept { return height * width; }
    /// Latents in all. Precondition: below 2^32.
    [[nodiscard]] constexpr std::size_t size() const noexcept { return channels * plane(); }
    [[nodiscard]] constexpr std::size_t at(std::size_t channel, std::size_t y, std::size_t x) const noexcept {
        return (channel * height + y) * width + x;
    }
    friend constexpr bool operator==(const latent_shape&, const latent_shape&) = default;
};

/// Cuts the latents of a shape into passes. Law: each latent is in exactly one pass, and places depend on
/// nothing but the shape.
template <class O>
concept latent_order = requires(const O o, latent_shape s, std::size_t pass,
                                std::vector<std::uint32_t>& places) {
    { o.passes(s) }
    noexcept->std::same_as<std::size_t>;
    {o.places_into(s, pass, places)};
};

/// The first channels of groups, as they are given: {16, 16, 32} for 0 .. 15, 16 .. 31, 32 .. 63; what is
/// left over is one more group.
class channel_groups {
  public:
    channel_groups() = default;
    explicit channel_groups(std::span<const std::size_t> sizes) : sizes_(sizes.begin(), sizes.end()) {}

    struct range {
        std::size_t first, end;
    };
    [[nodiscard]] std::size_t count(std::size_t channels) const noexcept {
        std::size_t groups = 0;
        for (std::size_t first = 0; first < channels; ++groups) first = end_of(groups, first, channels);
        return groups;
    }
    [[nodiscard]] range group(std::size_t number, std::size_t channels) const noexcept {
        std::size_t first = 0;
        for (std::size_t g = 0; g < number; ++g) first = end_of(g, first, channels);
        return {first, end_of(number, first, channels)};
    }

  private:
    /// A group of no channels counts as one of all that are left.
    [[nodiscard]] std::size_t end_of(std::size_t g, std::size_t first, std::size_t channels) const noexcept {
        const std::size_t size = g < sizes_.size() ? sizes_[g] : 0;
        return size == 0 || size > channels - first ? channels : first + size;
    }
    std::vector<std::size_t> sizes_{};
};

/// All in one pass: parameters depend on side information alone.
struct one_pass {
    [[nodiscard]] static std::size_t passes(const latent_shape& s) noexcept { return s.size() == 0 ? 0 : 1; }
    static void places_into(const latent_shape& s, std::size_t, std::vector<std::uint32_t>& places) {
        places.clear();
        for (std::size_t i = 0; i < s.size(); ++i) places.push_back(static_cast<std::uint32_t>(i));
    }
};

/// A pass for each place of the plane, row after row, all its channels at once: the order of autoregressive
/// codecs.
struct raster_passes {
    [[nodiscard]] static std::size_t passes(const latent_shape& s) noexcept {
        return s.size() == 0 ? 0 : s.plane();
    }
    static void places_into(const latent_shape& s, std::size_t pass, std::vector<std::uint32_t>& places) {
        places.clear();
        for (std::size_t c = 0; c < s.channels; ++c)
            places.push_back(static_cast<std::uint32_t>(c * s.plane() + pass));
    }
};

/// Groups of channels one after the other. In each first the places whose row and column have an even sum,
/// the anchors, then the others; a plane of one place has no others.
class checkerboard_groups {
  public:
    /// One group of all channels: the plain checkerboard.
    checkerboard_groups() = default;
    explicit checkerboard_groups(std::span<const std::size_t> sizes) : groups_(sizes) {}

    [[nodiscard]] std::size_t passes(const latent_shape& s) const noexcept {
        return s.size() == 0 ? 0 : groups_.count(s.channels) * colours(s);
    }
    void places_into(const latent_shape& s, std::size_t pass, std::vector<std::uint32_t>& places) const {
        places.clear();
        const auto [first, end] = groups_.group(pass / colours(s), s.channels);
        const std::size_t colour = pass % colours(s);
        for (std::size_t c = first; c < end; ++c)
            for (std::size_t y = 0; y < s.height; ++y)
                for (std::size_t x = (y + colour) % 2; x < s.width; x += 2)
                    places.push_back(static_cast<std::uint32_t>(s.at(c, y, x)));
    }

  private:
    [[nodiscard]] static std::size_t colours(const latent_shape& s) noexcept {
        return s.plane() == 1 ? 1 : 2;
    }
    channel_groups groups_{};
};

static_assert(latent_order<one_pass> && latent_order<raster_passes> && latent_order<checkerboard_groups>);

}  // namespace pith::inline v1::entropy

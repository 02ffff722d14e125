// Distances by compression: equal texts are near, strangers far, and examples label what is like them.
#include <pith/systems/similarity.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <pith/core/random.hpp>
#include <pith/entropy/adaptive_nibble.hpp>

#include "support/catch.hpp"

namespace {

using pith::byte_view;

/// Words of one language: draws from twelve words of its own.
std::string text_of(std::uint64_t language, std::uint64_t seed, std::size_t words) {
    pith::random_sequence own(language), draw(seed);
    std::vector<std::string> list(12);
    for (std::string& word : list)
        for (std::uint32_t k = 3 + own.below(5); k > 0; --k) word += static_cast<char>('a' + own.below(26));
    std::string out;
    for (std::size_t i = 0; i < words; ++i) out += list[draw.below(12)] + ' ';
    return out;
}
byte_view view(const std::string& s) { return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()}; }

}  // namespace

TEST_CASE("By compression a text is nearest to the example of its own language") {
    pith::systems::zip_fit<pith::entropy::adaptive_nibble<2>> distance;
    std::vector<std::string> examples;
    for (std::uint64_t l = 1; l <= 5; ++l) examples.push_back(text_of(l, 10 * l, 400));
    std::vector<byte_view> views;
    for (const std::string& e : examples) views.push_back(view(e));
    for (std::uint64_t l = 1; l <= 5; ++l) {
        const std::string asked = text_of(l, 10 * l + 1, 100);
        const auto label = distance.nearest(view(asked), views);
        REQUIRE(label.has_value());
        CHECK(*label == l - 1);
        const auto near = distance(views[l - 1], view(asked)), far = distance(views[l % 5], view(asked));
        CHECK(*near < *far);
    }
    CHECK(*distance(views[0], views[0]) < *distance(views[0], views[1]));
    CHECK(*distance({}, {}) == 0);
}

#include <pith/core/packed_codes.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"

TEST_CASE("packed codes are read back", "[core]") {
    const auto check = []<unsigned Bits>(std::integral_constant<unsigned, Bits>) {
        pith::random_sequence random(Bits);
        for (std::size_t n = 0; n < 40; ++n) {
            std::vector<std::uint16_t> codes(n);
            for (auto& c : codes) c = static_cast<std::uint16_t>(random.below(1U << Bits));
            std::vector<std::uint8_t> packed(pith::packed_code_size(n, Bits));
            pith::pack_codes<Bits>(codes, packed);
            for (std::size_t i = 0; i < n; ++i) CHECK(pith::code_at<Bits>(packed.data(), i) == codes[i]);
        }
    };
    [&]<unsigned... Less>(std::integer_sequence<unsigned, Less...>) {
        (check(std::integral_constant<unsigned, Less + 1>{}), ...);
    }
    (std::make_integer_sequence<unsigned, 16>{});
}

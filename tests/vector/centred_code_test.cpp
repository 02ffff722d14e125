#include <pith/systems/vector.hpp>
#include <pith/vector/centred_code.hpp>

#include "support/catch.hpp"
#include "vector/quantizer_laws.hpp"
#include "vector/samples.hpp"

namespace {

using namespace vector_test;
namespace vector = pith::vector;

template <class Code>
void check(std::size_t dimension) {
    const matrix in = gaussian(21, dimension, 3, 2);
    const auto quantizer = vector::centred_code<Code>::fit(in.view());
    REQUIRE(quantizer.has_value());
    check_stored(*quantizer, in);
    check_refusals(*quantizer, in);
    check_costs(*quantizer, in, gaussian(3, dimension, 4));
}

}  // namespace

TEST_CASE("centred rotation codes are stored, refuse and score as the laws say", "[vector]") {
    check<pith::systems::turboquant_factor<2>>(33);
    check<pith::systems::turboquant_factor<4>>(100);
    check<pith::systems::turboquant_mse<3>>(17);
}

TEST_CASE("taking the mean away makes codes better where there is one", "[vector]") {
    using code = vector::centred_code<pith::systems::turboquant_factor<2>>;
    const matrix in = gaussian(500, 64, 5, 3);
    const auto with = code::fit(in.view());
    REQUIRE(with.has_value());
    const code without(std::vector<float>(64, 0.0F));
    CHECK(squared_error(in, coded(*with, in)) < 0.2 * squared_error(in, coded(without, in)));
}

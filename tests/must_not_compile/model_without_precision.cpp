// expect: encoder_model
// A model that does not say in how many bits its probabilities are counted is no model.
#include <pith/entropy/concepts.hpp>

struct coin {
    using symbol_type = bool;
#if !MISTAKE
    static constexpr unsigned precision = 1;
#endif
    [[nodiscard]] pith::entropy::interval interval_of(bool side) const noexcept {
        return {side ? 1U : 0U, 1};
    }
};

template <pith::entropy::encoder_model Model>
void encode_with(const Model&) {}

int main() { encode_with(coin{}); }

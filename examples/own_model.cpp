// own_model: a model of ten lines in front of the library's coder. The model knows that a weekday follows a
// weekday.
#include <pith/entropy.hpp>

#include <cstdio>
#include <vector>

namespace {

/// Seven symbols of 3/32 each, but the one that follows the last one has 14/32. Satisfies encoder_model,
/// decoder_model and adaptive_model, which is all that a coder asks for.
class weekday_model {
  public:
    using symbol_type = unsigned;
    static constexpr unsigned precision = 5;
    [[nodiscard]] pith::entropy::interval interval_of(unsigned day) const noexcept {
        return {day <= next_ ? 3 * day : 3 * day + 11, day == next_ ? 14U : 3U};
    }
    [[nodiscard]] pith::entropy::located<unsigned> at(std::uint32_t slot) const noexcept {
        unsigned day = 6;
        while (interval_of(day).start > slot) --day;
        return {day, interval_of(day)};
    }
    void update(unsigned day) noexcept { next_ = (day + 1) % 7; }

  private:
    unsigned next_ = 0;
};
static_assert(pith::entropy::encoder_model<weekday_model> && pith::entropy::decoder_model<weekday_model> &&
              pith::entropy::adaptive_model<weekday_model>);

}  // namespace

int main() {
    std::vector<unsigned> days;
    for (unsigned i = 0; i < 10'000; ++i) days.push_back(i % 11 == 0 ? i % 5 : (i + i / 50) % 7);

    std::vector<std::uint8_t> bytes;
    pith::vector_sink sink(bytes);
    pith::entropy::range_encoder encoder(sink);
    weekday_model model;
    for (const unsigned day : days) {
        encoder.put<weekday_model::precision>(model.interval_of(day));
        model.update(day);
    }
    encoder.finish();

    pith::entropy::range_decoder decoder{pith::byte_view(bytes)};
    model = {};
    bool equal = true;
    for (const unsigned day : days) {
        const auto found = model.at(decoder.slot<weekday_model::precision>());
        decoder.remove<weekday_model::precision>(found.where);
        model.update(found.symbol);
        equal = equal && found.symbol == day;
    }
    const auto end = decoder.finish();
    std::printf("%zu days in %zu bytes, %.3f bits each (2.807 without a model); %s\n", days.size(),
                bytes.size(), 8.0 * static_cast<double>(bytes.size()) / static_cast<double>(days.size()),
                equal && end ? "all came back" : "something was lost");
    return equal && end ? 0 : 1;
}

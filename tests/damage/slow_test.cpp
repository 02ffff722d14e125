#include "damage/campaign.hpp"

namespace {

using namespace damage;

std::vector<std::uint8_t> all_values() {
    std::vector<std::uint8_t> out(256);
    for (unsigned v = 0; v < 256; ++v) out[v] = static_cast<std::uint8_t>(v);
    return out;
}

const auto everything = [](const std::vector<victim>& victims, unsigned random) {
    return [&victims, random](const victim& v, std::size_t i, auto& trial) {
        every_single(v.stream, trial);
        every_substitution(v.stream, trial);
        every_insertion_of(v.stream, all_values(), trial);
        samples::generator g{i + 7777};
        const bytes& donor = victims[(i + 1) % victims.size()].stream;
        for (unsigned k = 0; k < random; ++k) trial(injured(v.stream, donor, g));
    };
};

}  // namespace

TEST_CASE("ten million damaged frames give an error or their content, never other bytes", "[.slow]") {
    const auto victims = small_frames();
    const auto lines = campaign<frame_trial>(
        victims, everything(victims, 60'000 + 4'000'000 / static_cast<unsigned>(victims.size())));
    print("Damaged frames", "silent corruptions", lines);
    CHECK(sum(lines).cases >= 10'000'000);
    CHECK(sum(lines).other == 0);
}

TEST_CASE("two million damaged bare blocks give an error or a block of the right length", "[.slow]") {
    const auto victims = vector_blocks();
    const auto lines = campaign<block_trial>(victims, everything(victims, 300'000));
    print("Damaged blocks without a checksum", "another block", lines);
    CHECK(sum(lines).cases >= 2'000'000);
    CHECK(sum(lines).peak == 0);
}

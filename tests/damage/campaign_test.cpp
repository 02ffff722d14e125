#include "damage/campaign.hpp"

namespace {

using namespace damage;

const auto every_single_and_some_random = [](const std::vector<victim>& victims, unsigned random) {
    return [&victims, random](const victim& v, std::size_t i, auto& trial) {
        every_single(v.stream, trial);
        samples::generator g{i + 77};
        const bytes& donor = victims[(i + 1) % victims.size()].stream;
        for (unsigned k = 0; k < random; ++k) trial(injured(v.stream, donor, g));
    };
};

// The parts of a frame: its header, its blocks with their headers, its end mark.
std::vector<bytes> parts_of(const bytes& frame) {
    auto walker = box::frame_walker::open(frame);
    REQUIRE(walker);
    const auto part = [&](std::size_t from, std::size_t to) {
        return bytes(frame.begin() + static_cast<std::ptrdiff_t>(from),
                     frame.begin() + static_cast<std::ptrdiff_t>(to));
    };
    std::vector<bytes> out{part(0, walker->header().size())};
    std::size_t at = out[0].size();
    for (box::frame_block block; *walker->next(block);) {
        const std::size_t end = block.offset + block.payload.size();
        out.push_back(part(at, end));
        at = end;
    }
    out.push_back(part(at, frame.size()));
    return out;
}

}  // namespace

TEST_CASE("a damaged frame gives an error or its content, never other bytes") {
    auto victims = small_frames();
    for (victim& v : frames_of_blocks()) victims.push_back(std::move(v));
    const auto lines = campaign<frame_trial>(victims, every_single_and_some_random(victims, 1500));
    print("Damaged frames", "silent corruptions", lines);
    CHECK(sum(lines).cases >= 100'000);
    CHECK(sum(lines).other == 0);
    CHECK(sum(lines).errors > 0);
}

TEST_CASE("a damaged bare block gives an error or a block of the right length, on every instruction set") {
    auto victims = bare_blocks();
    for (victim& v : vector_blocks()) victims.push_back(std::move(v));
    const auto lines = campaign<block_trial>(victims, every_single_and_some_random(victims, 500));
    print("Damaged blocks without a checksum", "another block", lines);
    CHECK(sum(lines).cases >= 50'000);
    CHECK(sum(lines).peak == 0);
}

TEST_CASE("blocks that are swapped, repeated, dropped or taken from another frame are found out") {
    const auto victims = frames_of_blocks();
    std::vector<line> lines;
    for (const victim& v : victims) {
        // The other frame differs in one byte of the first block alone, so that its other blocks are equal.
        bytes content = v.content;
        content[17] ^= 1;
        const auto other = v.entry->native()->encode_frame(content, box::min_block_size);
        REQUIRE(other);
        const auto own = parts_of(v.stream), foreign = parts_of(*other);
        REQUIRE((own.size() == 5 && foreign.size() == 5));
        const bytes* pool[] = {&own[1], &own[2], &own[3], &foreign[1], &foreign[2], &foreign[3]};
        frame_trial trial(v);
        const auto choose = [&](auto&& self, const bytes& frame, unsigned more) -> void {
            for (const bytes* end : {&own[4], &foreign[4]}) {
                bytes whole = frame;
                whole.insert(whole.end(), end->begin(), end->end());
                if (whole != *other) trial(whole);  // the other frame, put together again, is whole
            }
            for (const bytes* next : pool) {
                if (more == 0) break;
                bytes longer = frame;
                longer.insert(longer.end(), next->begin(), next->end());
                self(self, longer, more - 1);
            }
        };
        choose(choose, own[0], 4);
        // Both frames have the same header, so that blocks that are equal in both may be exchanged: they
        // have the same checksums too.
        CHECK(trial.account().identical >= 1);
        lines.push_back(trial.account());
    }
    print("Rearranged frames", "silent corruptions", lines);
    CHECK(sum(lines).other == 0);
    CHECK(sum(lines).cases > 1000 * victims.size());
}

// Made-up logs for tests of log compressors: a service whose lines have a time, a level and a few templates.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <pith/core/random.hpp>

namespace log_samples {

/// `lines` lines, each closed by `end`. Times go on, ids and addresses recur, one line in 50 is free text.
inline std::vector<std::uint8_t> service(std::size_t lines, std::uint64_t seed,
                                         const std::string& end = "\n") {
    pith::random_sequence random(seed);
    const char* const levels[] = {"INFO", "INFO", "INFO", "WARN", "DEBUG"};
    const char* const paths[] = {"/var/lib/index/", "/srv/blocks/current/", "/tmp/upload-", "/home/"};
    const char* const users[] = {"alice", "bob", "carol", "dave", "root", "backup"};
    std::string out;
    std::uint64_t clock = 36'000'000, block = 904'791'815'409'399'662U;
    // Each draw is a statement of its own: the order of operands is not the same everywhere.
    const auto number = [&](std::uint32_t below) { return std::to_string(random.below(below)); };
    for (std::size_t i = 0; i < lines; ++i) {
        clock += random.below(400);
        const unsigned day = 1 + static_cast<unsigned>(i / 5000);
        const auto ms = static_cast<unsigned>(clock % 86'400'000);
        char time[40];
        std::snprintf(time, sizeof time, "2026-03-%02u %02u:%02u:%02u,%03u ", day, ms / 3'600'000,
                      ms / 60'000 % 60, ms / 1000 % 60, ms % 1000);
        std::string line = time;
        line += levels[random.below(5)];
        line += " [worker-" + number(16) + "] ";
        const std::string user = users[random.below(6)];
        std::string path = paths[random.below(4)];
        path += number(1000);
        std::string address = "10.250." + number(20);
        address += "." + number(256);
        address += ":" + std::to_string(50010 + random.below(4));
        if (random.below(3) == 0) block += random.below(1'000'000);
        const std::string blk = "blk_" + std::to_string(block);
        switch (random.below(50) == 0 ? 9 : random.below(6)) {
            case 0:
                line += "Receiving block " + blk + " src: /" + address;
                break;
            case 1:
                line += "PacketResponder 1 for block " + blk + " terminating";
                break;
            case 2:
                line += "session opened for user " + user + " by (uid=" + number(4) + ")";
                break;
            case 3:
                line += "wrote " + path + " in " + number(90) + " ms";
                break;
            case 4:
                line += "Verification succeeded for " + blk;
                break;
            case 5:
                line += "GET " + path + " 200 \"" + user + "\" " + address;
                break;
            default:
                line = "Traceback:";
                for (unsigned k = random.below(12); k > 0; --k) line += " " + number(99999);
        }
        out += line + end;
    }
    return {out.begin(), out.end()};
}

}  // namespace log_samples

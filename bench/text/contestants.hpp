// The list of what is compared: one line for a codec of ours, one entry for a program of others.
#pragma once

#include <string>
#include <vector>

#include <pith/systems/lossless.hpp>

#include "contestant.hpp"

namespace bench {

inline std::vector<contestant> own_contestants() {
    return {
        own<pith::codec::rans_order1>("pith rans order 1"),
        own<pith::codec::adaptive_nibble<2>>("pith nibble order 2"),
        own<pith::codec::smallest_bytes>("pith smallest"),
        own<pith::codec::fast>("pith fast"),
        own<pith::codec::max>("pith max"),
        own<pith::systems::midicoth>("Midicoth (alias)"),
        own<pith::systems::statesmix<>>("StateSMix (alias)"),
        own<pith::systems::quasicryth>("Quasicryth (alias)"),
    };
}

/// All of them with one thread.
inline std::vector<rival_program> rival_programs() {
    return {
        {"zpaq -m5",
         "-h",
         ".zpaq",
         {"zpaq", "a", "{out}", "{in}", "-m5", "-t1"},
         {"zpaq", "x", "{in}", "{data}", "-to", "{out}", "-force", "-t1"}},
        {"7z PPMd o6 256 MB",
         "i",
         ".7z",
         {"7z", "a", "-m0=PPMd:mem=256m:o=6", "-mmt=1", "{out}", "{in}"},
         {"7z", "x", "-so", "{in}"}},
        {"xz -9e", "--version", "", {"xz", "-9e", "-T1", "-c"}, {"xz", "-d", "-T1", "-c"}},
        {"brotli -q 11 -w 24",
         "--version",
         "",
         {"brotli", "-q", "11", "-w", "24", "-c"},
         {"brotli", "-d", "-c"}},
        {"zstd --ultra -22",
         "--version",
         "",
         {"zstd", "--ultra", "-22", "--long=27", "--single-thread", "-q", "-c", "{in}"},
         {"zstd", "-d", "--long=27", "-q", "-c"}},
        {"bzip2 -9", "--version </dev/null", "", {"bzip2", "-9", "-c"}, {"bzip2", "-d", "-c"}},
    };
}

}  // namespace bench

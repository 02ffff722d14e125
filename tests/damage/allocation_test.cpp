// Hostile frames whose checksums fit, and what they cost; and the operator new that counts it.
#include "damage/allocation.hpp"

#include <pith/container.hpp>

#include <cstdlib>
#include <ctime>
#include <new>

#include "support/block_coders.hpp"
#include "support/catch.hpp"
#include "support/frame_repair.hpp"
#include "vectors/samples.hpp"

namespace {

constexpr std::size_t prefix = alignof(std::max_align_t);

/// Counts n; `room` for alignment is address space that nobody touches.
void* counted_new(std::size_t n, std::size_t room = 0) {
    void* p = std::malloc(n + room + prefix);
    if (p == nullptr) std::abort();
    *static_cast<std::size_t*>(p) = n;
    const std::size_t now = allocation::held += n;
    for (std::size_t old = allocation::peak;
         now > old && !allocation::peak.compare_exchange_weak(old, now);) {
    }
    return static_cast<char*>(p) + prefix;
}
void counted_delete(void* p) noexcept {
    if (p == nullptr) return;
    char* start = static_cast<char*>(p) - prefix;
    allocation::held -= *reinterpret_cast<std::size_t*>(start);
    std::free(start);
}
// Over-aligned objects (the tables of some coders): the size and the start stand before the object.
void* counted_new(std::size_t n, std::align_val_t alignment) {
    const auto a = static_cast<std::size_t>(alignment);
    auto* start = static_cast<char*>(counted_new(n, a + sizeof(void*)));
    auto address = reinterpret_cast<std::uintptr_t>(start) + sizeof(void*) + a - 1;
    auto* p = start + (address / a * a - reinterpret_cast<std::uintptr_t>(start));
    reinterpret_cast<void**>(p)[-1] = start;
    return p;
}
void counted_delete(void* p, std::align_val_t) noexcept {
    if (p != nullptr) counted_delete(static_cast<void**>(p)[-1]);
}

}  // namespace

void* operator new(std::size_t n) { return counted_new(n); }
void* operator new[](std::size_t n) { return counted_new(n); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return counted_new(n); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return counted_new(n); }
void* operator new(std::size_t n, std::align_val_t a) { return counted_new(n, a); }
void* operator new[](std::size_t n, std::align_val_t a) { return counted_new(n, a); }
void operator delete(void* p) noexcept { counted_delete(p); }
void operator delete[](void* p) noexcept { counted_delete(p); }
void operator delete(void* p, std::size_t) noexcept { counted_delete(p); }
void operator delete[](void* p, std::size_t) noexcept { counted_delete(p); }
void operator delete(void* p, std::align_val_t a) noexcept { counted_delete(p, a); }
void operator delete[](void* p, std::align_val_t a) noexcept { counted_delete(p, a); }
void operator delete(void* p, std::size_t, std::align_val_t a) noexcept { counted_delete(p, a); }
void operator delete[](void* p, std::size_t, std::align_val_t a) noexcept { counted_delete(p, a); }

namespace {

namespace box = pith::container;
using bytes = std::vector<std::uint8_t>;

std::uint64_t any_size(samples::generator& g) {
    std::uint64_t v = g.next();
    v = v << 32 | g.next();
    return v >> (g.next() % 64);
}

// A size that is often near one that matters.
std::uint32_t telling_size(samples::generator& g, std::uint32_t near) {
    switch (g.next() % 6) {
        case 0:
            return near;
        case 1:
            return near + 1 - g.next() % 3;
        case 2:
            return g.next() % 1200;
        case 3:
            return 1024 * (g.next() % 1024);
        case 4:
            return box::max_block_size;
        default:
            return static_cast<std::uint32_t>(any_size(g));
    }
}

// At most 1 KiB: a header that may lie about everything, blocks that hold true payloads, damaged ones or
// noise under sizes that may lie, and an end.
class hostile_frames {
  public:
    hostile_frames() {
        for (const block_coders::entry& e : block_coders::entries) {
            const auto coder = e.native();
            for (const unsigned kind : {0U, 1U, 3U, 4U}) {
                contents_.push_back(samples::sample(kind, 400));
                blocks_.push_back(block_coders::encoded(*coder, contents_.back()));
            }
        }
    }
    bytes next(samples::generator& g) {
        bytes out(24);
        const std::uint32_t log2 = g.next() % 8 == 0 ? g.next() % 256 : 12 + g.next() % 15;
        const std::size_t coder = g.next() % (block_coders::entries.size() + 2);
        const std::uint32_t recipe =
            coder < block_coders::entries.size() ? block_coders::entries[coder].recipe : g.next() % 64;
        const bool sized = g.next() % 2 == 0;
        out[5] = g.next() % 16 == 0 ? static_cast<std::uint8_t>(g.next()) : sized;
        out[6] = static_cast<std::uint8_t>(log2);
        pith::store_le<std::uint32_t>(out.data() + 8, recipe);
        pith::store_le<std::uint64_t>(out.data() + 12, g.next() % 2 == 0 ? 400 : any_size(g));
        out.resize(box::frame_header::size_of(out.data()));
        for (unsigned blocks = g.next() % 4; blocks-- > 0 && out.size() < 700;) add_block(out, coder, g);
        if (g.next() % 4 != 0) out.resize(out.size() + box::end_mark::size);
        if (out.size() > 1024) out.resize(1024);
        if (g.next() % 8 != 0) repairer_.repair(out);
        return out;
    }

  private:
    void add_block(bytes& out, std::size_t coder, samples::generator& g) {
        const std::size_t i = (coder * 4 + g.next() % 4) % blocks_.size();
        bytes payload = blocks_[i];
        if (g.next() % 3 == 0)
            for (std::uint8_t& b : payload) b = static_cast<std::uint8_t>(g.next());
        else if (g.next() % 2 == 0 && !payload.empty())
            payload[g.next() % payload.size()] = static_cast<std::uint8_t>(g.next());
        box::block_header header;
        header.coded = telling_size(g, static_cast<std::uint32_t>(payload.size()));
        header.decoded = telling_size(g, 400);
        const std::size_t at = out.size();
        out.resize(at + box::block_header::size);
        header.write(out.data() + at);
        if (g.next() % 2 == 0) payload.resize(header.payload_size() % 1024);
        out.insert(out.end(), payload.begin(), payload.end());
    }
    std::vector<bytes> contents_, blocks_;
    frame_repair::repairer repairer_;
};

double milliseconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) * 1e-6;
}

struct worst {
    std::size_t bytes = 0, codec = 0;
    double time = 0;
};

}  // namespace

TEST_CASE("hostile frames of 1 KiB with fitting checksums cost at most 1 MiB besides the codec's tables") {
    hostile_frames frames;
    samples::generator g{4711};
    worst all, headers;
    std::size_t accepted = 0, too_much = 0;
    constexpr std::size_t cases = 6'000;
    for (std::size_t i = 0; i < cases; ++i) {
        const bytes in = frames.next(g);
        REQUIRE(in.size() <= 1024);
        bool decoded = false, streamed = false, inspected = false;
        const double begin = milliseconds();
        const std::size_t whole = allocation::cost([&] { decoded = bool(block_coders::decode_frame(in)); });
        const double middle = milliseconds();
        const std::size_t stream =
            allocation::cost([&] { streamed = bool(block_coders::verify_stream(in)); });
        const double end = milliseconds();
        const std::size_t looked = allocation::cost([&] { inspected = bool(box::inspect(in)); });
        CHECK(decoded == streamed);
        CHECK((inspected || !decoded));
        accepted += decoded;
        const auto header = box::frame_header::parse(in);
        const std::uint64_t codec = header ? block_coders::memory_of(header->recipe) : 0;
        const std::size_t most = whole < stream ? stream : whole;
        too_much += most > (std::size_t{1} << 20) + codec;
        all.bytes = all.bytes < most ? most : all.bytes;
        all.codec =
            most > codec && all.codec < most - codec ? most - static_cast<std::size_t>(codec) : all.codec;
        all.time = std::max(all.time, std::max(middle - begin, end - middle));
        headers.bytes = headers.bytes < looked ? looked : headers.bytes;
    }
    std::printf(
        "\nHostile frames of at most 1 KiB: %zu, accepted %zu; at most %zu bytes in all, %zu besides the "
        "codec's tables, %zu to inspect; slowest %.2f ms\n",
        cases, accepted, all.bytes, all.codec, headers.bytes, all.time);
    CHECK(too_much == 0);
    CHECK(headers.bytes == 0);
    CHECK(accepted > cases / 100);  // else the generator does not get past the headers
}

// What hostile headers may cost, counted by replacing the program's own operator new.
#include <pith/container.hpp>
#include <pith/core/parallel.hpp>

#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "container/toy_codecs.hpp"
#include "support/catch.hpp"

namespace {

std::atomic<std::size_t> held{0}, peak{0};
constexpr std::size_t prefix = alignof(std::max_align_t);

void* counted_new(std::size_t n) {
    void* p = std::malloc(n + prefix);
    if (p == nullptr) std::abort();
    *static_cast<std::size_t*>(p) = n;
    const std::size_t now = held += n;
    for (std::size_t old = peak; now > old && !peak.compare_exchange_weak(old, now);) {
    }
    return static_cast<char*>(p) + prefix;
}
void counted_delete(void* p) noexcept {
    if (p == nullptr) return;
    char* start = static_cast<char*>(p) - prefix;
    held -= *reinterpret_cast<std::size_t*>(start);
    std::free(start);
}

}  // namespace

void* operator new(std::size_t n) { return counted_new(n); }
void* operator new[](std::size_t n) { return counted_new(n); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return counted_new(n); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return counted_new(n); }
void operator delete(void* p) noexcept { counted_delete(p); }
void operator delete[](void* p) noexcept { counted_delete(p); }
void operator delete(void* p, std::size_t) noexcept { counted_delete(p); }
void operator delete[](void* p, std::size_t) noexcept { counted_delete(p); }

namespace {

namespace box = pith::container;
using bytes = std::vector<std::uint8_t>;

// Bytes that f takes at most beyond what is held when it starts.
template <class F>
std::size_t cost(F&& f) {
    const std::size_t before = held;
    peak = before;
    f();
    return peak - before;
}

// A frame header that is in order, with anything behind it.
bytes headed(std::uint32_t recipe, std::uint32_t block_size, std::uint64_t content, const bytes& rest) {
    box::frame_header h;
    h.block_size = block_size;
    h.recipe = recipe;
    h.content_size = content;
    bytes out(box::frame_header::max_size);
    h.write(out.data());
    out.resize(h.size());
    out.insert(out.end(), rest.begin(), rest.end());
    return out;
}
bytes block_start(std::uint32_t coded, std::uint32_t decoded, std::size_t payload) {
    bytes out(16 + payload, 0x55);
    box::block_header{coded, decoded, 0}.write(out.data());
    return out;
}

constexpr std::uint32_t huge = box::max_block_size;

}  // namespace

TEST_CASE("no hostile header of 1 KiB costs 1 MiB, whatever sizes it states") {
    std::vector<bytes> rests{{},
                             {1},
                             block_start(1, huge, 0),
                             block_start(huge - 1, huge, 0),
                             block_start(huge, huge, 0),
                             block_start(huge, huge, 900),
                             block_start(huge - 1, huge, 900),
                             block_start(1, huge, 900),
                             block_start(1, 900 * 1024, 900),
                             block_start(900, 900 * 1024, 900),
                             block_start(900, 900, 900),
                             block_start(~0U, ~0U, 900),
                             block_start(0, huge, 900)};
    std::size_t worst = 0, cases = 0;
    for (const bytes& rest : rests) {
        for (const std::uint32_t block : {box::min_block_size, std::uint32_t{1} << 20, huge}) {
            for (const std::uint64_t content : {std::uint64_t{0}, std::uint64_t{100}, std::uint64_t{1} << 29,
                                                box::unknown_size - 1, box::unknown_size}) {
                for (const std::uint32_t recipe : {box::recipes::stored, toy::run_length::recipe,
                                                   toy::all_equal::recipe, std::uint32_t{99}}) {
                    const bytes in = headed(recipe, block, content, rest);
                    REQUIRE(in.size() <= 1024);
                    bool accepted = false;
                    const auto attempt = [&](std::size_t spent) {
                        worst = spent > worst ? spent : worst;
                        ++cases;
                    };
                    attempt(cost([&] { accepted = accepted || box::decode_frame<toy::recipes>(in); }));
                    attempt(cost([&] {
                        accepted = accepted || box::verify_stream<toy::recipes>(box::view_source(in));
                    }));
                    attempt(cost([&] {
                        accepted = accepted || box::verify_stream<toy::recipes>(box::view_source(in), {},
                                                                                pith::threads{2});
                    }));
                    attempt(cost([&] { accepted = accepted || box::inspect(in); }));
                    REQUIRE_FALSE(accepted);
                }
            }
        }
    }
    CAPTURE(worst);
    CHECK(cases == 13 * 3 * 5 * 4 * 4);
    CHECK(worst < (std::size_t{1} << 20));
    CHECK(worst > 900 * 1024);  // the law is met exactly where a header asks for all that its payload allows
}

TEST_CASE("a stream of any length decodes in the memory that decode_memory states") {
    constexpr std::uint32_t block = 1 << 16;
    const bytes in = toy::make(64 * block + 1, toy::content::mixed);
    const auto frame = box::encode_frame(in, toy::run_length{}, {.block_size = block});
    REQUIRE(frame);
    const auto header = *box::frame_header::parse(*frame);
    const auto verify = [&](auto policy) {
        return cost([&] { REQUIRE(box::verify_stream<toy::recipes>(box::view_source(*frame), {}, policy)); });
    };
    const std::size_t some = 4096;  // the slots themselves, and what threads take
    CHECK(verify(pith::serial{}) <= box::decode_memory(header, 1, 1, 1) + some);
    CHECK(verify(pith::threads{1}) <= box::decode_memory(header, 1, 1, 2) + some);
    CHECK(verify(pith::threads{4}) <= box::decode_memory(header, 1, 4, 5) + some);
    const auto encode = [&](auto policy) {
        return cost([&] {
            REQUIRE(box::encode_stream(box::view_source(in), box::discard_output{}, toy::run_length{},
                                       {.block_size = block}, policy));
        });
    };
    const std::size_t slot = block + 16 + 2 * block;  // raw, and room for twice as much coded
    CHECK(encode(pith::serial{}) <= slot + some);
    CHECK(encode(pith::threads{4}) <= 5 * slot + some);
}

TEST_CASE("small content takes small buffers although the blocks may be large") {
    const bytes in = toy::make(1000, toy::content::runs);
    const auto frame = box::encode_frame(in, toy::run_length{}, {.block_size = huge});
    REQUIRE(frame);
    CHECK(cost([&] { REQUIRE(box::verify_stream<toy::recipes>(box::view_source(*frame))); }) < 10000);
    CHECK(cost([&] {
              REQUIRE(box::encode_stream(box::view_source(in), box::discard_output{}, toy::run_length{},
                                         {.block_size = huge, .content_size = in.size()}));
          }) < 10000);
}

TEST_CASE("encode_frame_into, decode_frame_into, inspect and the walkers take no memory at all") {
    const bytes in = toy::make(100000, toy::content::mixed);
    toy::run_length codec;
    bytes frame(box::max_frame_size<toy::run_length>(in.size(), 4096)), out(in.size());
    std::size_t n = 0;
    CHECK(cost([&] { n = *box::encode_frame_into(in, frame, codec, {.block_size = 4096}); }) == 0);
    frame.resize(n);
    CHECK(cost([&] { n = *box::decode_frame_into(frame, out, codec); }) == 0);
    CHECK(out == in);
    CHECK(cost([&] { n = box::inspect(frame)->blocks; }) == 0);
    CHECK(n == 25);
}

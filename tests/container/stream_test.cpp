#include <pith/container/stream.hpp>
#include <pith/core/parallel.hpp>

#include <string>
#include <vector>

#include "container/toy_codecs.hpp"
#include "support/catch.hpp"

namespace {

namespace box = pith::container;
using bytes = std::vector<std::uint8_t>;

template <class T>
std::string outcome(const pith::result<T>& r) {
    return r ? "ok" : pith::name_of(r.error().code);
}
std::string at(const char* name, std::uint64_t place) {
    std::string out(name);
    return out.append(1, ' ').append(std::to_string(place));
}
template <class T>
std::string outcome_at(const pith::result<T>& r) {
    return r ? "ok" : at(pith::name_of(r.error().code), r.error().offset);
}

struct coded {
    std::string outcome;
    bytes data;
    friend bool operator==(const coded&, const coded&) = default;
};

template <class Codec, class Policy = pith::serial>
coded encode(const bytes& in, box::frame_options options, const Policy& policy = {}) {
    coded out;
    out.outcome = outcome_at(
        box::encode_stream(box::view_source(in), box::vector_output(out.data), Codec{}, options, policy));
    return out;
}
template <class Policy = pith::serial>
coded decode(const bytes& frame, const pith::limits& bound = {}, const Policy& policy = {}) {
    coded out;
    out.outcome = outcome_at(box::decode_stream<toy::recipes>(box::view_source(frame),
                                                              box::vector_output(out.data), bound, policy));
    return out;
}

// Fails at its n-th call; counts the calls that come after its end or failure, of which there must be none.
struct fragile_source {
    box::view_source inner;
    int calls_left;
    int calls_too_many = 0;
    bool over = false;
    pith::result<std::size_t> read(pith::byte_span out) {
        if (over) ++calls_too_many;
        if (calls_left-- == 0) {
            over = true;
            return pith::error{pith::error_code::source_failed, 0, "the source broke"};
        }
        auto n = inner.read(out);
        over = *n < out.size();
        return n;
    }
};
struct fragile_output {
    bytes* out;
    int calls_left;
    int calls_too_many = 0;
    bool over = false;
    pith::result<void> write(pith::byte_view v) {
        if (over) ++calls_too_many;
        if (calls_left-- == 0) {
            over = true;
            return pith::error{pith::error_code::sink_failed, 0, "the output is full"};
        }
        out->insert(out->end(), v.begin(), v.end());
        return {};
    }
};

constexpr std::uint32_t block = 4096;

}  // namespace

TEST_CASE("a stream of known size has the bytes of encode_frame, on any number of threads") {
    for (std::size_t n : {0U, 1U, 4095U, 4096U, 4097U, 8192U, 40961U, 123456U}) {
        const bytes in = toy::make(n, toy::content::mixed);
        CAPTURE(n);
        const auto expected = box::encode_frame(in, toy::law_checker{}, {.block_size = block});
        REQUIRE(expected);
        const box::frame_options known{.block_size = block, .content_size = n}, unknown{.block_size = block};
        const coded plain = encode<toy::law_checker>(in, known);
        CHECK(plain == coded{"ok", *expected});
        const coded open = encode<toy::law_checker>(in, unknown);
        CHECK(open.outcome == "ok");
        CHECK(open.data.size() + 8 == plain.data.size());
        for (std::size_t t = 1; t <= 8; ++t) {
            REQUIRE(encode<toy::law_checker>(in, known, pith::threads{t}) == plain);
            REQUIRE(encode<toy::law_checker>(in, unknown, pith::threads{t}) == open);
            REQUIRE(decode(plain.data, {}, pith::threads{t}) == coded{"ok", in});
            REQUIRE(decode(open.data, {}, pith::threads{t}) == coded{"ok", in});
        }
        CHECK(decode(open.data) == coded{"ok", in});
        const auto memory = box::decode_frame<toy::recipes>(open.data);
        REQUIRE(memory);
        CHECK(*memory == in);
    }
    CHECK(toy::law_checker::breaches == 0);
}

TEST_CASE("streams decode what was encoded for every size around a border") {
    for (std::size_t n = 0; n < 40; ++n) {
        const bytes in = toy::make(n, toy::content::runs);
        REQUIRE(decode(encode<toy::run_length>(in, {.block_size = block}).data) == coded{"ok", in});
    }
    for (std::size_t n = block - 2; n <= 3 * block + 2; n += n % block == 2 ? block - 4 : 1) {
        for (const auto kind : {toy::content::random, toy::content::zeros}) {
            const bytes in = toy::make(n, kind);
            REQUIRE(decode(encode<toy::all_equal>(in, {.block_size = block}, pith::threads{2}).data) ==
                    coded{"ok", in});
        }
    }
}

TEST_CASE("totals and progress are those of the stream") {
    const bytes in = toy::make(10 * block + 7, toy::content::mixed);
    bytes frame, out;
    std::vector<std::uint64_t> seen;
    const auto watch = [&](pith::progress_report r) {
        seen.push_back(r.done);
        return r.total == in.size();
    };
    const box::frame_options options{.block_size = block, .content_size = in.size()};
    const auto to = box::encode_stream(box::view_source(in), box::vector_output(frame), toy::run_length{},
                                       options, pith::threads{3}, watch);
    REQUIRE(to);
    CHECK(to->decoded == in.size());
    CHECK(to->encoded == frame.size());
    CHECK(to->blocks == 11);
    CHECK(to->digest == pith::load_le<std::uint64_t>(frame.data() + frame.size() - 8));
    REQUIRE(seen.size() == 11);
    CHECK(seen[0] == block);
    CHECK(seen[10] == in.size());
    const auto from = box::verify_stream<toy::recipes>(box::view_source(frame), {}, pith::threads{2}, watch);
    REQUIRE(from);
    CHECK(from->decoded == in.size());
    CHECK(from->encoded == frame.size());
    CHECK(from->blocks == 11);
    CHECK(from->digest == to->digest);
    CHECK(seen.size() == 22);
    CHECK(seen.back() == in.size());
}

TEST_CASE("a callback that says no stops the work") {
    const bytes in = toy::make(10 * block, toy::content::mixed);
    for (std::size_t t = 1; t <= 3; ++t) {
        bytes frame, out;
        int calls = 0;
        const auto stop = [&](pith::progress_report) { return ++calls < 3; };
        CHECK(outcome_at(box::encode_stream(box::view_source(in), box::vector_output(frame),
                                            toy::run_length{}, {.block_size = block}, pith::threads{t},
                                            stop)) == "cancelled 12288");
        CHECK(calls == 3);
        calls = 0;
        frame = encode<toy::run_length>(in, {.block_size = block}).data;
        CHECK(outcome(box::decode_stream<toy::recipes>(box::view_source(frame), box::vector_output(out), {},
                                                       pith::threads{t}, stop)) == "cancelled");
        CHECK(out == bytes(in.begin(), in.begin() + 3 * block));
    }
}

TEST_CASE("any bit flip or cut gives the same error, the same place and the same output on every policy") {
    const bytes in = toy::make(3 * block + 5, toy::content::zeros);
    const bytes frame = encode<toy::run_length>(in, {.block_size = block}).data;
    const auto judge = [&](const bytes& damaged) {
        const coded one = decode(damaged);
        REQUIRE(one.outcome != "ok");
        REQUIRE(one.data.size() <= in.size());
        REQUIRE(bytes(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(one.data.size())) == one.data);
        REQUIRE(decode(damaged, {}, pith::threads{2}) == one);
        REQUIRE_FALSE(box::decode_frame<toy::recipes>(damaged));
    };
    for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
        bytes b = frame;
        b[bit / 8] = static_cast<std::uint8_t>(b[bit / 8] ^ (1U << (bit % 8)));
        judge(b);
    }
    for (std::size_t n = 0; n < frame.size(); ++n)
        judge(bytes(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(n)));
    bytes longer = frame;
    longer.push_back(0);
    judge(longer);
}

TEST_CASE("errors in a later block carry their place in the input") {
    const bytes in = toy::make(4 * block, toy::content::random);
    bytes frame = encode<toy::run_length>(in, {.block_size = block}).data;
    const std::size_t third = 16 + 2 * (16 + block);
    frame[third + 16 + 100] ^= 1;
    for (std::size_t t = 1; t <= 4; ++t) {
        const coded out = decode(frame, {}, pith::threads{t});
        CHECK(out.outcome == at("checksum_mismatch", third + 16));
        CHECK(out.data == bytes(in.begin(), in.begin() + 2 * block));
    }
    bytes bad = in;
    bad[2 * block] = 77;
    for (std::size_t i = 0; i < bad.size(); i += block) bad[i] = i == 2 * block ? 77 : 1;
    CHECK(encode<toy::failing>(bad, {.block_size = block}, pith::threads{3}).outcome ==
          at("unsupported_parameter", 2 * block + 5));
}

TEST_CASE(
    "a source or an output that fails at any call stops the work with its error and is not called again") {
    const bytes in = toy::make(5 * block + 9, toy::content::mixed);
    const bytes frame = encode<toy::run_length>(in, {.block_size = block}).data;
    bool finished = false;
    for (int n = 0; !finished; ++n) {
        REQUIRE(n < 100);
        finished = true;
        for (std::size_t t = 1; t <= 3; ++t) {
            bytes out;
            fragile_source from{box::view_source(in), n};
            const auto e = box::encode_stream(from, box::vector_output(out), toy::run_length{},
                                              {.block_size = block}, pith::threads{t});
            if (!e) CHECK(outcome(e) == "source_failed");
            if (e) CHECK(out == frame);
            fragile_source from2{box::view_source(frame), n};
            out.clear();
            const auto d =
                box::decode_stream<toy::recipes>(from2, box::vector_output(out), {}, pith::threads{t});
            if (!d) CHECK(outcome(d) == "source_failed");
            if (d) CHECK(out == in);
            CHECK(from.calls_too_many + from2.calls_too_many == 0);
            finished = finished && e && d;
        }
    }
    finished = false;
    for (int n = 0; !finished; ++n) {
        REQUIRE(n < 100);
        finished = true;
        for (std::size_t t = 1; t <= 3; ++t) {
            bytes a, b;
            fragile_output to{&a, n}, to2{&b, n};
            const auto e = box::encode_stream(box::view_source(in), to, toy::run_length{},
                                              {.block_size = block}, pith::threads{t});
            const auto d =
                box::decode_stream<toy::recipes>(box::view_source(frame), to2, {}, pith::threads{t});
            if (!e) CHECK(outcome(e) == "sink_failed");
            if (!d) CHECK(outcome(d) == "sink_failed");
            CHECK(to.calls_too_many + to2.calls_too_many == 0);
            CHECK(std::equal(a.begin(), a.end(), frame.begin()));
            CHECK(std::equal(b.begin(), b.end(), in.begin()));
            finished = finished && e && d;
        }
    }
}

TEST_CASE("a source that does not give what was announced is an error") {
    const bytes in = toy::make(2 * block, toy::content::mixed);
    for (std::uint64_t said :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{block}, std::uint64_t{2 * block - 1},
          std::uint64_t{2 * block + 1}, std::uint64_t{5 * block}}) {
        for (std::size_t t = 1; t <= 2; ++t)
            CHECK(encode<toy::run_length>(in, {.block_size = block, .content_size = said}, pith::threads{t})
                      .outcome == at("source_failed", said < in.size() ? said : in.size()));
    }
    CHECK(encode<toy::run_length>(in, {.block_size = 1000}).outcome == "unsupported_parameter 0");
}

TEST_CASE("limits of streams are kept; less memory means fewer threads, not another result") {
    const bytes in = toy::make(9 * block, toy::content::mixed);
    const bytes frame = encode<toy::all_equal>(in, {.block_size = block}).data;
    const std::uint64_t one = 100 + 2 * block + block / 2;
    CHECK(decode(frame, {.max_memory = one - 1}).outcome == "limit_exceeded 6");
    for (std::size_t t = 1; t <= 8; ++t) {
        CHECK(decode(frame, {.max_memory = one - 1}, pith::threads{t}).outcome == "limit_exceeded 6");
        for (std::uint64_t memory : {one, 2 * one, 3 * one, 5 * one})
            CHECK(decode(frame, {.max_memory = memory}, pith::threads{t}) == coded{"ok", in});
        CHECK(decode(frame, {.max_output = in.size() - 1}, pith::threads{t}) ==
              decode(frame, {.max_output = in.size() - 1}));
    }
    CHECK(decode(frame, {.max_output = in.size() - 1}).data.size() == 8 * block);
    CHECK(decode(frame, {.max_blocks = 8}).outcome.substr(0, 14) == "limit_exceeded");
    CHECK(decode(frame, {.max_blocks = 9}).outcome == "ok");
}

TEST_CASE("an unknown recipe is refused by its place") {
    bytes frame = encode<toy::all_equal>({}, {.block_size = block}).data;
    CHECK(outcome_at(box::verify_stream<box::recipe_list<toy::run_length>>(box::view_source(frame))) ==
          "unknown_recipe 8");
}

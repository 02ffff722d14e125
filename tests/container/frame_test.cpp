#include <pith/container/frame.hpp>

#include <string>
#include <vector>

#include "container/toy_codecs.hpp"
#include "support/catch.hpp"

namespace {

namespace box = pith::container;
using bytes = std::vector<std::uint8_t>;
using pith::error_code;

constexpr box::frame_options small{.block_size = 4096};

template <class Codec>
bytes encoded(const bytes& in, box::frame_options options = small) {
    auto out = box::encode_frame(in, Codec{}, options);
    REQUIRE(out);
    return std::move(*out);
}

// "ok" or the name of the error, for messages that say what happened.
template <class T>
std::string outcome(const pith::result<T>& r) {
    return r ? "ok" : pith::name_of(r.error().code);
}

template <class Codec>
void check_round_trip(const bytes& in) {
    const bytes frame = encoded<Codec>(in);
    CAPTURE(in.size(), Codec::name);
    const std::size_t blocks = (in.size() + 4095) / 4096;
    CHECK(frame.size() <= 24 + 20 + in.size() + 16 * blocks);
    const auto out = box::decode_frame<toy::recipes>(frame);
    REQUIRE(outcome(out) == "ok");
    CHECK(*out == in);
    bytes into(in.size() + 3, 0xEE);
    Codec codec;
    const auto n = box::decode_frame_into(frame, into, codec);
    REQUIRE(outcome(n) == "ok");
    CHECK(*n == in.size());
    CHECK(bytes(into.begin(), into.end() - 3) == in);
    CHECK(into.back() == 0xEE);
    if (!in.empty()) {
        CHECK(outcome(box::decode_frame_into(frame, pith::byte_span(into).first(in.size() - 1), codec)) ==
              "output_too_small");
    }
}

bytes without(const bytes& b, std::size_t at, std::size_t n) {
    bytes out(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(at));
    out.insert(out.end(), b.begin() + static_cast<std::ptrdiff_t>(at + n), b.end());
    return out;
}

// Rebuilds a frame from blocks in another order, with an end mark that fits them.
bytes rebuilt(const bytes& frame, const std::vector<std::size_t>& order, box::frame_header header) {
    std::vector<box::frame_block> blocks;
    auto walker = box::frame_walker::open(frame);
    REQUIRE(walker);
    for (box::frame_block b;;) {
        const auto more = walker->next(b);
        REQUIRE(more);
        if (!*more) break;
        blocks.push_back(b);
    }
    bytes out(box::frame_header::max_size);
    header.write(out.data());
    out.resize(header.size());
    box::block_ledger ledger(header);
    for (const std::size_t i : order) {
        const auto* start = blocks[i].payload.data() - box::block_header::size;
        out.insert(out.end(), start, blocks[i].payload.data() + blocks[i].payload.size());
        ledger.add(blocks[i].header);
    }
    out.resize(out.size() + box::end_mark::size);
    ledger.end().write(out.data() + out.size() - box::end_mark::size);
    return out;
}

}  // namespace

TEST_CASE("decoding after encoding is the identity for every size around a border") {
    std::vector<std::size_t> sizes;
    for (std::size_t n = 0; n <= 40; ++n) sizes.push_back(n);
    for (std::size_t n :
         {255U, 256U, 257U, 4095U, 4096U, 4097U, 8191U, 8192U, 8193U, 20479U, 20480U, 20481U, 100003U})
        sizes.push_back(n);
    for (const std::size_t n : sizes) {
        for (const auto kind :
             {toy::content::random, toy::content::zeros, toy::content::runs, toy::content::mixed}) {
            const bytes in = toy::make(n, kind);
            check_round_trip<box::stored_codec>(in);
            check_round_trip<toy::run_length>(in);
            check_round_trip<toy::all_equal>(in);
            check_round_trip<toy::law_checker>(in);
        }
    }
    CHECK(toy::law_checker::breaches == 0);
    CHECK(toy::law_checker::decodes > 0);
}

TEST_CASE("a frame has the bytes that the format page shows") {
    const bytes in{'a', 'a', 'a', 'a', 'a'};
    const bytes frame = encoded<toy::run_length>(in);
    const bytes start{'P', 'I', 'T', 'H', 1, 1, 12, 0, 1, 0, 0, 0x80, 5, 0, 0, 0, 0, 0, 0, 0};
    REQUIRE(frame.size() == 24 + 16 + 2 + 20);
    CHECK(bytes(frame.begin(), frame.begin() + 20) == start);
    CHECK(pith::load_le<std::uint32_t>(frame.data() + 20) ==
          static_cast<std::uint32_t>(pith::xxh64_of(pith::byte_view(frame).first(20))));
    CHECK(pith::load_le<std::uint32_t>(frame.data() + 24) == 2);
    CHECK(pith::load_le<std::uint32_t>(frame.data() + 28) == 5);
    const std::uint64_t seed = std::uint64_t{pith::load_le<std::uint32_t>(frame.data() + 20)} << 32;
    CHECK(pith::load_le<std::uint64_t>(frame.data() + 32) == pith::xxh64_of(in, seed));
    CHECK(frame[40] == 4);
    CHECK(frame[41] == 'a');
    CHECK(pith::load_le<std::uint32_t>(frame.data() + 42) == 0);
    CHECK(pith::load_le<std::uint64_t>(frame.data() + 46) == 5);
    CHECK(pith::load_le<std::uint64_t>(frame.data() + 54) ==
          pith::xxh64_of(pith::byte_view(frame).subspan(32, 8)));
}

TEST_CASE("the example of the format page is what is written") {
    const bytes page{0x50, 0x49, 0x54, 0x48, 0x01, 0x01, 0x0C, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05,
                     0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x4C, 0xFB, 0xBB, 0xD8, 0x05, 0x00,
                     0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0xE3, 0xB7, 0xB4, 0x7F, 0x24, 0x99, 0x0F,
                     0xDC, 0x61, 0x61, 0x61, 0x61, 0x61, 0x00, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00,
                     0x00, 0x00, 0x00, 0x00, 0x00, 0xE9, 0x05, 0xAC, 0xE5, 0xAD, 0x6D, 0xB4, 0xD7};
    CHECK(encoded<box::stored_codec>(bytes(5, 0x61)) == page);
}

TEST_CASE("incompressible content costs 16 bytes a block and 44 bytes a frame") {
    const bytes in = toy::make(40960, toy::content::random);
    CHECK(encoded<toy::run_length>(in).size() == 44 + in.size() + 10 * 16);
}

TEST_CASE("a payload is filled up to a 1024th of its block, and the filling must be zero") {
    const bytes in = toy::make(1 << 20, toy::content::zeros);
    bytes frame = encoded<toy::all_equal>(in, {});
    CHECK(frame.size() == 44 + 16 + 1024);
    const auto out = box::decode_frame<toy::recipes>(frame);
    REQUIRE(out);
    CHECK(*out == in);
    frame[24 + 16 + 700] = 1;
    CHECK(outcome(box::decode_frame<toy::recipes>(frame)) == "bad_stream");
}

TEST_CASE("block sizes that are no power of two from 2^12 to 2^26 are refused") {
    for (std::uint32_t size : {0U, 1U, 2048U, 4095U, 5000U, 1U << 27, ~0U})
        CHECK(outcome(box::encode_frame({}, box::stored_codec{}, {.block_size = size})) ==
              "unsupported_parameter");
    for (std::uint32_t size : {1U << 12, 1U << 26})
        CHECK(outcome(box::encode_frame({}, box::stored_codec{}, {.block_size = size})) == "ok");
}

TEST_CASE("encoding into too little room is an error and never depends on luck") {
    const bytes in = toy::make(10000, toy::content::mixed);
    toy::run_length codec;
    const std::size_t room = box::max_frame_size<toy::run_length>(in.size(), 4096);
    bytes out(room);
    CHECK(outcome(box::encode_frame_into(in, out, codec, small)) == "ok");
    CHECK(outcome(box::encode_frame_into(in, pith::byte_span(out).first(room - 1), codec, small)) ==
          "output_too_small");
}

TEST_CASE("what the codec reports reaches the caller") {
    CHECK(outcome(box::encode_frame(bytes{77}, toy::failing{})) == "unsupported_parameter");
    CHECK(outcome(box::encode_frame(bytes{78}, toy::failing{})) == "ok");
}

TEST_CASE("blocks that were swapped, repeated, dropped or taken from another frame are found") {
    const bytes in =
        toy::make(4 * 4096, toy::content::zeros);  // equal blocks: only their place tells them apart
    const bytes frame = encoded<toy::run_length>(in);
    auto header = *box::frame_header::parse(frame);
    CHECK(rebuilt(frame, {0, 1, 2, 3}, header) == frame);
    CHECK(outcome(box::decode_frame<toy::recipes>(rebuilt(frame, {0, 2, 1, 3}, header))) ==
          "checksum_mismatch");
    CHECK(outcome(box::decode_frame<toy::recipes>(rebuilt(frame, {0, 0, 2, 3}, header))) ==
          "checksum_mismatch");
    CHECK(outcome(box::decode_frame<toy::recipes>(rebuilt(frame, {0, 1, 2}, header))) == "bad_header");
    CHECK(outcome(box::decode_frame<toy::recipes>(rebuilt(frame, {0, 1, 2, 3, 3}, header))) == "bad_header");
    header.content_size = 3 * 4096;
    CHECK(outcome(box::decode_frame<toy::recipes>(rebuilt(frame, {0, 1, 2}, header))) == "checksum_mismatch");

    const bytes other =
        encoded<toy::run_length>(toy::make(4 * 4096, toy::content::runs));  // with the same header
    bytes mixed = frame;
    auto walker = box::frame_walker::open(other);
    box::frame_block first;
    REQUIRE(*walker->next(first));
    mixed.erase(mixed.begin() + 24, mixed.begin() + 24 + 16 + 32);
    mixed.insert(mixed.begin() + 24, other.begin() + 24,
                 other.begin() + 24 + 16 + first.header.payload_size());
    const auto foreign = box::decode_frame<toy::recipes>(mixed);
    REQUIRE_FALSE(foreign);
    CHECK(foreign.error().code == error_code::checksum_mismatch);
    CHECK(std::string(foreign.error().text) == "the frame lacks blocks or has foreign ones");
}

TEST_CASE("headers that contradict themselves are refused") {
    const bytes in = toy::make(6000, toy::content::runs);
    const bytes good = encoded<toy::run_length>(in);
    const auto with = [&](auto change, bool mend) {
        bytes b = good;
        change(b);
        if (mend)
            pith::store_le<std::uint32_t>(
                b.data() + 20, static_cast<std::uint32_t>(pith::xxh64_of(pith::byte_view(b).first(20))));
        return outcome(box::decode_frame<toy::recipes>(b));
    };
    CHECK(with([](bytes&) {}, true) == "ok");
    CHECK(with([](bytes& b) { b[0] = 'X'; }, true) == "bad_magic");
    CHECK(with([](bytes& b) { b[4] = 2; }, true) == "unsupported_version");
    CHECK(with([](bytes& b) { b[4] = 0; }, true) == "bad_header");
    CHECK(with([](bytes& b) { b[5] = 3; }, true) == "bad_header");
    CHECK(with([](bytes& b) { b[6] = 11; }, true) == "bad_header");
    CHECK(with([](bytes& b) { b[6] = 27; }, true) == "bad_header");
    CHECK(with([](bytes& b) { b[7] = 1; }, true) == "bad_header");
    CHECK(with([](bytes& b) { b[8] = 9; }, true) == "unknown_recipe");
    CHECK(with([](bytes& b) { b[8] = 9; }, false) == "checksum_mismatch");
    CHECK(with([](bytes& b) { b[12]++; }, true) != "ok");
    CHECK(with(
              [](bytes& b) {
                  for (int i = 12; i < 20; ++i) b[static_cast<std::size_t>(i)] = 0xFF;
              },
              true) == "bad_header");
    CHECK(with([](bytes& b) { b.push_back(0); }, true) == "trailing_data");
    CHECK(with([](bytes& b) { pith::store_le<std::uint32_t>(b.data() + 28, 0); }, true) == "bad_header");
    CHECK(with([](bytes& b) { pith::store_le<std::uint32_t>(b.data() + 28, 4097); }, true) == "bad_header");
    CHECK(with([](bytes& b) { pith::store_le<std::uint32_t>(b.data() + 28, 4095); }, true) == "bad_header");
    CHECK(with([](bytes& b) { pith::store_le<std::uint32_t>(b.data() + 24, 4097); }, true) == "bad_header");
    CHECK(outcome(box::decode_frame<toy::recipes>({})) == "truncated");
    CHECK(outcome(box::decode_frame<toy::recipes>(bytes{'P', 'I'})) == "truncated");
    CHECK(outcome(box::decode_frame<toy::recipes>(bytes{'P', 'K'})) == "bad_magic");
}

TEST_CASE("limits are kept to the byte") {
    const bytes in = toy::make(5 * 4096 + 1, toy::content::mixed);
    const bytes frame = encoded<toy::all_equal>(in);
    const auto decode = [&](pith::limits l) { return outcome(box::decode_frame<toy::recipes>(frame, l)); };
    CHECK(decode({.max_output = in.size()}) == "ok");
    CHECK(decode({.max_output = in.size() - 1}) == "limit_exceeded");
    CHECK(decode({.max_output = 0}) == "limit_exceeded");
    CHECK(decode({.max_blocks = 6}) == "ok");
    CHECK(decode({.max_blocks = 5}) == "limit_exceeded");
    CHECK(decode({.max_memory = 100}) == "ok");
    CHECK(decode({.max_memory = 99}) == "limit_exceeded");
}

TEST_CASE("any bit flip, cut, insertion or deletion gives an error or the same content") {
    std::vector<bytes> contents{{},
                                {'x'},
                                toy::make(300, toy::content::runs),
                                toy::make(70, toy::content::random),
                                toy::make(3 * 4096 + 5, toy::content::zeros)};
    std::size_t cases = 0, accepted = 0;
    const auto judge = [&](const bytes& damaged, const bytes& in) {
        const auto out = box::decode_frame<toy::recipes>(damaged);
        ++cases;
        if (out) {
            ++accepted;
            REQUIRE(*out == in);
        }
    };
    for (const bytes& in : contents) {
        for (const bytes& frame : {encoded<toy::run_length>(in), encoded<toy::all_equal>(in)}) {
            for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
                bytes b = frame;
                b[bit / 8] = static_cast<std::uint8_t>(b[bit / 8] ^ (1U << (bit % 8)));
                judge(b, in);
            }
            for (std::size_t n = 0; n < frame.size(); ++n)
                judge(bytes(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(n)), in);
            for (std::size_t at = 0; at < frame.size(); ++at) {
                for (std::size_t n : {1U, 2U, 4U, 8U, 16U})
                    if (at + n <= frame.size()) judge(without(frame, at, n), in);
            }
            for (std::size_t at = 0; at <= frame.size(); ++at) {
                for (int v : {0, 1, 0x7F, 0xFF, at < frame.size() ? int{frame[at]} : 2}) {
                    bytes b = frame;
                    b.insert(b.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::uint8_t>(v));
                    judge(b, in);
                }
            }
        }
    }
    CHECK(cases > 10000);
    CHECK(accepted == 0);
}

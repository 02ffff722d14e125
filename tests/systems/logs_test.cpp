// Logzip: laws of block coders on any bytes, its claim on made-up logs, frozen bytes.
#include <pith/container/frame.hpp>
#include <pith/core/checksum.hpp>
#include <pith/entropy/rans_block.hpp>
#include <pith/systems/logs.hpp>

#include <memory>
#include <string>

#include "entropy/block_laws.hpp"
#include "log_samples.hpp"
#include "support/catch.hpp"

namespace {

using block_laws::bytes;
using light = pith::systems::logzip<pith::entropy::rans_bytes<>>;
using alias = pith::systems::logzip<>;

bytes of(const std::string& text) { return {text.begin(), text.end()}; }

/// The least that a block coder is, with every byte in its place: damage reaches the parts of a log.
struct copying {
    static constexpr std::uint32_t recipe = 0xFF;
    static constexpr const char* name = "copying";
    [[nodiscard]] static constexpr std::size_t max_encoded_size(std::size_t n) noexcept { return n; }
    [[nodiscard]] static pith::result<std::size_t> encode_into(pith::byte_view in,
                                                               pith::byte_span out) noexcept {
        pith::span_sink sink(out);
        sink.append(in);
        return sink.written();
    }
    [[nodiscard]] static pith::result<std::size_t> decode_into(pith::byte_view in,
                                                               pith::byte_span out) noexcept {
        if (in.size() != out.size())
            return pith::error{pith::error_code::bad_stream, 0, "not a copy of this length"};
        return encode_into(in, out);
    }
};
using bare = pith::systems::logzip<copying>;

/// The block must be coded as a log.
void check_log(light& coder, const bytes& in) {
    REQUIRE(block_laws::encoded(coder, in)[0] == 2);
    block_laws::check_round_trip(coder, in);
}

}  // namespace

TEST_CASE("a coder of logs keeps the laws of block coders on any bytes") {
    static_assert(pith::entropy::block_coder<alias>);
    static_assert(sizeof(light) <= 65536);
    const auto coder = std::make_unique<light>();
    for (unsigned kind = 0; kind < block_laws::kinds; ++kind) {
        CAPTURE(kind);
        for (std::size_t n = 0; n <= 60; ++n)
            block_laws::check_round_trip(*coder, block_laws::sample(kind, n));
        for (const std::size_t n : {300U, 1025U, 65537U})
            block_laws::check_round_trip(*coder, block_laws::sample(kind, n));
        block_laws::check_small_destinations(*coder, block_laws::sample(kind, 100));
        for (const std::size_t n : {1U, 2U, 40U})
            block_laws::check_damage(*coder, block_laws::sample(kind, n));
    }
}

TEST_CASE("logs come back whatever their lines end with") {
    const auto coder = std::make_unique<light>();
    check_log(*coder, log_samples::service(500, 1));
    check_log(*coder, log_samples::service(500, 2, "\r\n"));
    check_log(*coder, log_samples::service(500, 3, " \n\n"));
    bytes open = log_samples::service(500, 4);
    open.pop_back();
    check_log(*coder, open);
    open.insert(open.begin() + 3000, {'\n', 0, 1, 255, '\n', '\n', 0});
    check_log(*coder, open);
    open = log_samples::service(60, 4);
    for (std::size_t cut = 1; cut < 80; ++cut)
        check_log(*coder, bytes(open.begin(), open.end() - static_cast<std::ptrdiff_t>(cut)));
}

TEST_CASE(
    "columns come back: numbers of one width, of many, too long, rising and falling, and words that recur") {
    const auto coder = std::make_unique<light>();
    std::string text;
    for (unsigned i = 0; i < 400; ++i)
        text += "step " + std::to_string(i) + " of " + std::to_string(1000 + i * 7 % 9000) + " at 0" +
                std::to_string(10 + i % 90) + "x" + std::to_string(999 - i) + " took " +
                (i % 3 == 0 ? "007" : "12") + " by " + std::string(1 + i % 5, 'a') + " id " +
                std::to_string(18446744073709551615U - i) + std::to_string(i) + " to " +
                std::string(1 + i % 5, 'a') + " sum " +
                std::to_string(i * 999999999999937U % 999999999999999983U) + "\n";
    check_log(*coder, of(text));
    CHECK(coder->report().templates <= 5);
    CHECK(coder->report().alone == 0);
}

TEST_CASE("lines of the same kind share a template, and the words that differ are its columns") {
    const auto coder = std::make_unique<light>();
    const bytes log = log_samples::service(4000, 5);
    static_cast<void>(block_laws::encoded(*coder, log));
    CHECK(coder->report().lines == 4000);
    CHECK(coder->report().head == 5);
    CHECK(coder->report().templates <= 60);
    CHECK(coder->report().alone < 40);
}

TEST_CASE("a log is smaller in templates and columns than under the same coder as it is") {
    const bytes log = log_samples::service(3000, 6);
    const auto by_templates = std::make_unique<light>();
    const auto plain = std::make_unique<pith::entropy::rans_bytes<>>();
    CHECK(2 * block_laws::encoded(*by_templates, log).size() < block_laws::encoded(*plain, log).size());
    const auto second = std::make_unique<alias>();
    const auto order2 = std::make_unique<pith::entropy::adaptive_nibble<2>>();
    const std::size_t size = block_laws::encoded(*second, log).size();
    CHECK(size < block_laws::encoded(*order2, log).size() * 2 / 3);
    block_laws::check_round_trip(*second, log);
}

TEST_CASE("damage to a coded log is found or harmless", "[native]") {
    const auto coder = std::make_unique<light>();
    std::string text;
    for (unsigned i = 0; i < 36; ++i)
        text += "10:" + std::to_string(10 + i / 6) + " item " + std::to_string(i * i % 13) + " is " +
                (i % 4 == 0 ? "lost" : "found") + " with " + std::to_string(i * 31 % 1000) + "\n";
    const bytes log = of(text);
    REQUIRE(block_laws::encoded(*coder, log)[0] == 2);
    block_laws::check_damage(*coder, log);
    block_laws::check_small_destinations(*coder, log);
    const auto parts = std::make_unique<bare>();
    REQUIRE(block_laws::encoded(*parts, log)[0] == 2);
    block_laws::check_round_trip(*parts, log);
    block_laws::check_damage(*parts, log);
    const bytes service = log_samples::service(40, 10);
    REQUIRE(block_laws::encoded(*parts, service)[0] == 2);
    block_laws::check_damage(*parts, service);
}

TEST_CASE("logs of several chunks come back, and in frames under limits") {
    const auto coder = std::make_unique<light>();
    bytes log = log_samples::service(3000, 7);
    const bytes once = log;
    while (log.size() <= (std::size_t{1} << 22) + 5000) log.insert(log.end(), once.begin(), once.end());
    bytes code(light::max_encoded_size(log.size())), back(log.size());
    const auto size = coder->encode_into(log, code);
    REQUIRE(size);
    REQUIRE(code[0] == 2);
    code.resize(*size);
    REQUIRE(coder->decode_into(code, back));
    CHECK(back == log);
    const auto frame = pith::container::encode_frame(once, *coder, {.block_size = 1 << 16});
    REQUIRE(frame);
    using list = pith::container::recipe_list<light>;
    const auto read = pith::container::decode_frame<list>(*frame, pith::limits{});
    REQUIRE(read);
    CHECK(*read == once);
    pith::limits tight;
    tight.max_memory = light::memory - 1;
    const auto refused = pith::container::decode_frame<list>(*frame, tight);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == pith::error_code::limit_exceeded);
}

TEST_CASE("the bytes of Logzip are frozen") {
    const auto coder = std::make_unique<alias>();
    CHECK(pith::xxh64_of(block_laws::encoded(*coder, log_samples::service(300, 8))) == 0x7FADBB9F7F999DE8U);
    CHECK(pith::xxh64_of(block_laws::encoded(*coder, log_samples::service(3000, 9))) == 0x6DAFC875A52363CFU);
}

#include <pith/container/recipe.hpp>

#include <string>

#include "container/toy_codecs.hpp"
#include "support/catch.hpp"

namespace {

namespace box = pith::container;

// Offers what the concept asks for and nothing more.
struct archetype {
    static constexpr std::uint32_t recipe = 0x9000'0000;
    static constexpr const char* name = "archetype";
    static constexpr std::size_t max_encoded_size(std::size_t n) noexcept { return n; }
    pith::result<std::size_t> encode_into(pith::byte_view in, pith::byte_span) noexcept { return in.size(); }
    pith::result<std::size_t> decode_into(pith::byte_view, pith::byte_span out) noexcept {
        return out.size();
    }
};
struct without_name {
    static constexpr std::uint32_t recipe = 5;
    static constexpr std::size_t max_encoded_size(std::size_t n) noexcept { return n; }
    pith::result<std::size_t> encode_into(pith::byte_view in, pith::byte_span) noexcept { return in.size(); }
    pith::result<std::size_t> decode_into(pith::byte_view, pith::byte_span out) noexcept {
        return out.size();
    }
};

struct name_of_codec {
    template <class Codec>
    pith::result<std::string> operator()() const {
        return std::string(Codec::name);
    }
};

}  // namespace

TEST_CASE("recipes have names") {
    CHECK(std::string(box::name_of_recipe(0)) == "stored");
    CHECK(std::string(box::name_of_recipe(1)) == "huffman");
    CHECK(std::string(box::name_of_recipe(4)) == "rans order 1");
    CHECK(std::string(box::name_of_recipe(5)) == "rice");
    CHECK(std::string(box::name_of_recipe(6)) == "unknown recipe");
    CHECK(std::string(box::name_of_recipe(0x10)) == "adaptive binary order 0");
    CHECK(std::string(box::name_of_recipe(0x1F)) == "adaptive binary order 15");
    CHECK(std::string(box::name_of_recipe(0x22)) == "adaptive nibble order 2");
    CHECK(std::string(box::name_of_recipe(0x30)) == "unknown recipe");
    CHECK(std::string(box::name_of_recipe(0x7FFF'FFFF)) == "unknown recipe");
    CHECK(std::string(box::name_of_recipe(0x8000'0000)) == "user recipe");
    CHECK(std::string(toy::recipes::name_of(toy::run_length::recipe)) == "run length");
    CHECK(std::string(toy::recipes::name_of(1)) == "huffman");
}

TEST_CASE("a list finds its codecs and refuses others with the place and the reason") {
    CHECK(*toy::recipes::visit(toy::all_equal::recipe, 8, name_of_codec{}) == "all equal");
    CHECK(*box::recipe_list<>::visit(0, 8, name_of_codec{}) == "stored");
    const auto refused = toy::recipes::visit(3, 8, name_of_codec{});
    REQUIRE_FALSE(refused);
    CHECK(refused.error() == pith::error{pith::error_code::unknown_recipe, 8, ""});
    CHECK(std::string(refused.error().text) == "written with a recipe that is not built in here");
    CHECK_FALSE(toy::recipes::visit(0x8000'7777, 8, name_of_codec{}));
    CHECK(toy::recipes::contains(0));
    CHECK(toy::recipes::contains(toy::failing::recipe));
    CHECK_FALSE(toy::recipes::contains(1));
}

TEST_CASE("the memory of a codec is what it declares, else its size") {
    CHECK(toy::recipes::memory_of(toy::all_equal::recipe) == 100);
    CHECK(toy::recipes::memory_of(toy::run_length::recipe) == sizeof(toy::run_length));
    CHECK(toy::recipes::memory_of(99) == 0);
}

TEST_CASE("the concept of a block codec takes the archetype and refuses one without a name") {
    STATIC_REQUIRE(box::block_codec<archetype>);
    STATIC_REQUIRE(box::block_codec<box::stored_codec>);
    STATIC_REQUIRE_FALSE(box::block_codec<without_name>);
    const std::vector<std::uint8_t> in{1, 2, 3};
    const auto frame = box::encode_frame(in, archetype{});
    REQUIRE(frame);
    const auto out = box::decode_frame<box::recipe_list<archetype>>(*frame);
    REQUIRE(out);
    CHECK(*out == in);
}

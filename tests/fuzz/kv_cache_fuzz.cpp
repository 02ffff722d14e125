// Cache files of any bytes, as they are or with checksums made to fit: what loads can be attended and saved
// again, and gives the same bytes.
#include <pith/kv/cache.hpp>
#include <pith/kv/exact_codec.hpp>
#include <pith/kv/segmenter.hpp>

#include "fuzz/input.hpp"
#include "kv/affine_of_tokens.hpp"
#include "kv/file_repair.hpp"

namespace {

namespace kv = pith::kv;

template <class Cache>
void check(const fuzz::bytes& file) {
    auto c =
        Cache::load(file, {}, {}, {}, {}, {.max_output = 1 << 18, .max_memory = 1 << 18, .max_blocks = 500});
    if (!c) return;
    fuzz::bytes again;
    pith::vector_sink sink(again);
    fuzz::require(c->save(sink).has_value(), "a cache that loads can be saved");
    fuzz::require(again == file, "a cache file has one form");
    fuzz::require(c->bytes().total() == file.size(), "the count is the file's size");
    if (c->tokens_seen() == 0) return;
    const std::vector<float> query(c->shape().query_channels(), 1.0F);
    std::vector<float> out(query.size());
    for (std::size_t l = 0; l < c->shape().layers; ++l) {
        const pith::view_2d<const float> q(query, 1, query.size());
        fuzz::require(c->attend(l, q, {std::span<float>(out), 1, out.size()}).has_value(),
                      "a cache that loads can be attended");
        for (const float x : out) fuzz::require(pith::is_finite(x), "attention is finite");
    }
}

using kv_test::affine_of_tokens;
using coded = kv::cache<kv::pre_rope, kv::residual, affine_of_tokens, affine_of_tokens>;
using exact = kv::cache<kv::post_rope, kv::sink_residual, kv::exact_codec, kv::exact_codec>;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input in(data, size);
    const std::uint8_t choice = in.byte();
    fuzz::bytes file = in.rest();
    if (choice % 4 != 0) kv_test::repair(file);
    choice / 4 % 2 == 0 ? check<coded>(file) : check<exact>(file);
    return 0;
}

// Streams of tensors: any bytes as a stream, as parameters and as blocks behind them; and any values there
// and back.
#include <pith/codec/tensor.hpp>
#include <pith/codec/tensor_archive.hpp>
#include <pith/codec/tensor_instant.hpp>
#include <pith/codec/tensor_rans.hpp>

#include "fuzz/input.hpp"

namespace {

using namespace pith::codec;

/// Parameters and a block without the checks that would hide them from the fuzzer.
template <class Tier>
void decode_parts(fuzz::input& in, element type) {
    tensor_geometry g;
    g.type = type;
    g.rank = 2;
    g.shape = {1U + in.byte(), 1U + in.byte() % 64};
    g.values = g.shape[0] * g.shape[1];
    const bool has_base = in.byte() % 2 != 0;
    const std::size_t side_size = in.two_bytes() % 512;
    const fuzz::bytes rest = in.rest();
    const pith::byte_view all(rest);
    const pith::byte_view side = all.first(side_size < all.size() ? side_size : all.size());
    Tier tier;
    if (!tier.open(g, has_base, side, std::uint64_t{1} << 30)) return;
    fuzz::bytes out(g.bytes()), base(has_base ? g.bytes() : 0, 0x3C);
    typename Tier::worker worker;
    static_cast<void>(tier.decode_block(worker, 0, all.subspan(side.size()), base, out));
}

template <class Tier>
void round_trip(const fuzz::bytes& in, element type) {
    const std::size_t values = in.size() / size_of(type);
    const std::size_t columns = values % 7 == 0 ? 7 : values % 2 == 0 ? 2 : 1;
    const std::size_t shape[] = {values / columns, columns};
    const pith::byte_view bytes = pith::byte_view(in).first(values * size_of(type));
    tensor<Tier> codec;
    const auto coded = codec.encode({type, shape, bytes});
    fuzz::require(coded.has_value(), "a tensor can be coded");
    const auto back = codec.decode(*coded);
    fuzz::require(back.has_value() && *back == fuzz::bytes(bytes.begin(), bytes.end()),
                  "a tensor comes back");
}

template <class Tier>
void all_of(fuzz::input& in, unsigned what, element type) {
    if (what == 0) return decode_parts<Tier>(in, type);
    const fuzz::bytes rest = in.rest();
    if (what == 1) return round_trip<Tier>(rest, type);
    pith::limits bound;
    bound.max_output = 1 << 20;
    tensor<Tier> codec;
    static_cast<void>(codec.decode(rest, bound).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input in(data, size);
    const unsigned tier = in.byte() % 3, what = in.byte() % 3;
    const auto type = static_cast<element>(in.byte() % element_kinds);
    if (tier == 0) all_of<instant>(in, what, type);
    if (tier == 1) all_of<rans_planes>(in, what, type);
    if (tier == 2 && size < 600) all_of<archive>(in, what, type);
    return 0;
}

// The text transform from any bytes: its inverse gives an error or a text, and any text comes back.
#include <pith/transform/text.hpp>
#include <pith/transform/x86.hpp>

#include <memory>

#include "fuzz/input.hpp"

namespace {

using transform = pith::transform::text<pith::transform::text_options{
    .most_bytes = 1 << 16, .words_from = 0, .ones = 4, .least_saving = 2}>;

void inverse(transform& t, const fuzz::bytes& in, std::size_t room) {
    fuzz::bytes out(room);
    const auto size = t.inverse_into(in, out);
    fuzz::require(!size || *size <= room, "the text fits");
    if (!size) return;
    out.resize(*size);
    fuzz::bytes again(transform::max_size(out.size()));
    fuzz::require(t.forward_into(out, again).has_value(), "a restored text can be written");
}

void round_trip(transform& t, const fuzz::bytes& in) {
    fuzz::bytes coded(transform::max_size(in.size()));
    const auto size = t.forward_into(in, coded);
    fuzz::require(size.has_value(), "any text can be written");
    coded.resize(*size);
    coded.shrink_to_fit();
    fuzz::bytes back(in.size());
    const auto restored = t.inverse_into(coded, back);
    fuzz::require(restored && *restored == in.size() && back == in, "a text comes back");
    pith::transform::x86_branches::forward(back);
    pith::transform::x86_branches::inverse(back);
    fuzz::require(back == in, "branches come back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto t = std::make_unique<transform>();
    fuzz::input in(data, size);
    const unsigned kind = in.byte();
    if (kind % 2 == 0) inverse(*t, in.rest(), std::size_t{kind} * 8);
    if (kind % 2 == 1) round_trip(*t, in.rest());
    return 0;
}

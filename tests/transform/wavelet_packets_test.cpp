#include <pith/transform/wavelet_packets.hpp>

#include <cmath>
#include <limits>
#include <vector>

#include <pith/core/random.hpp>

#include "support/catch.hpp"
#include "support/float_samples.hpp"

namespace {

namespace transform = pith::transform;
using float_samples::energy;
using float_samples::floats;
using float_samples::gaussian;
using transform::packet_tree;
using integers = std::vector<std::int32_t>;

packet_tree random_tree(std::size_t size, std::uint64_t seed) {
    pith::random_sequence random(seed);
    std::vector<bool> marks;
    const auto grow = [&](auto&& self, std::size_t count) -> void {
        if (count < 2) return;
        marks.push_back(random.below(4) != 0);
        if (!marks.back()) return;
        self(self, count - count / 2);
        self(self, count / 2);
    };
    grow(grow, size);
    return {size, marks};
}

template <class Wavelet>
void check_rotation(const packet_tree& tree) {
    const transform::wavelet_packets<Wavelet> t(tree);
    static_assert(transform::rotation<transform::wavelet_packets<Wavelet>>);
    const floats x = gaussian(t.size(), t.size());
    floats y(t.size()), back(t.size());
    t.forward_into(x, y);
    CHECK(std::abs(energy(y) - energy(x)) <= 2e-6 * energy(x));
    t.inverse_into(y, back);
    for (std::size_t i = 0; i < x.size(); ++i) REQUIRE(std::abs(back[i] - x[i]) <= 1e-5F);
}

std::vector<std::uint8_t> saved(const packet_tree& tree) {
    std::vector<std::uint8_t> out;
    pith::vector_sink sink(out);
    tree.save(sink);
    return out;
}

// The cost of the rows in one basis, by transforming them.
template <class Wavelet, class Cost>
double cost_of(const packet_tree& tree, const std::vector<typename Wavelet::value_type>& x,
               const Cost& cost) {
    double all = 0, sum = 0;
    for (const auto v : x) all += double(v) * double(v);
    auto y = x;
    transform::wavelet_packets<Wavelet>(tree).forward_into(x, y);
    for (const auto v : y) sum += cost(v, all);
    return sum;
}

}  // namespace

TEST_CASE("packets of orthogonal wavelets keep norms and are undone by their inverse, whatever the tree") {
    for (std::size_t n = 0; n <= 130; ++n) {
        CAPTURE(n);
        for (const unsigned depth : {0U, 1U, 3U, 9U}) {
            check_rotation<transform::haar>(packet_tree(n, depth));
            check_rotation<transform::daubechies_4>(packet_tree(n, depth));
            check_rotation<transform::daubechies_4>(packet_tree(n, depth, true));
        }
        check_rotation<transform::daubechies_4>(random_tree(n, n));
    }
}

TEST_CASE("integer packets give back every integer, the extreme ones too") {
    for (std::size_t n = 0; n <= 130; ++n) {
        CAPTURE(n);
        pith::random_sequence random(n);
        integers x(n), y(n), back(n);
        for (std::size_t i = 0; i < n; ++i) {
            const std::uint32_t kind = random.below(4);
            x[i] = kind == 0   ? std::numeric_limits<std::int32_t>::min()
                   : kind == 1 ? std::numeric_limits<std::int32_t>::max()
                   : kind == 2 ? static_cast<std::int32_t>(random())
                               : static_cast<std::int32_t>(random.below(9)) - 4;
        }
        const transform::wavelet_packets<transform::lifting_5_3> t(random_tree(n, n + 7));
        t.forward_into(x, y);
        t.inverse_into(y, back);
        REQUIRE(back == x);
    }
}

TEST_CASE("high bands vanish on constants, and on ramps with two moments") {
    const std::size_t n = 32;
    floats ramp(n), y(n);
    integers steps(n), z(n);
    for (std::size_t i = 0; i < n; ++i) ramp[i] = static_cast<float>(steps[i] = static_cast<std::int32_t>(i));
    const packet_tree once(n, 1);
    REQUIRE(once.packets() == std::vector<std::size_t>{16, 16});
    transform::wavelet_packets<transform::haar>(once).forward_into(floats(n, 2.0F), y);
    for (std::size_t i = 16; i < n; ++i) CHECK(y[i] == 0);
    transform::wavelet_packets<transform::daubechies_4>(once).forward_into(ramp, y);
    for (std::size_t i = 17; i < n; ++i) CHECK(std::abs(y[i]) < 1e-5F);  // one wraps around
    transform::wavelet_packets<transform::lifting_5_3>(once).forward_into(steps, z);
    for (std::size_t i = 16; i + 1 < n; ++i) CHECK(z[i] == 0);  // one is mirrored
}

TEST_CASE("the best tree is the cheapest of all trees, and of equal ones the smaller") {
    // All 26 trees of 8 values and at most 3 levels: 1 + (1 + (1 + 1)^2)^2.
    std::vector<std::vector<bool>> trees[4];
    for (unsigned depth = 0; depth <= 3; ++depth) {
        if (depth == 0) {
            trees[0].push_back({});
            continue;
        }
        trees[depth].push_back({false});
        for (const auto& low : trees[depth - 1])
            for (const auto& high : trees[depth - 1]) {
                std::vector<bool> marks{true};
                marks.insert(marks.end(), low.begin(), low.end());
                marks.insert(marks.end(), high.begin(), high.end());
                trees[depth].push_back(marks);
            }
    }
    REQUIRE(trees[3].size() == 26);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const floats x = gaussian(8, seed);
        integers z;
        for (const float v : x) z.push_back(static_cast<std::int32_t>(v * 50));
        double least = 1e9, least_bits = 1e9;
        for (const auto& marks : trees[3]) {
            least = std::min(least, cost_of<transform::haar>({8, marks}, x, transform::energy_entropy{}));
            least_bits = std::min(
                least_bits, cost_of<transform::lifting_5_3>({8, marks}, z, transform::magnitude_bits{}));
        }
        const auto best = transform::best_packet_tree<transform::haar>(pith::view_2d<const float>(x, 1, 8), 3,
                                                                       transform::energy_entropy{});
        CHECK(std::abs(cost_of<transform::haar>(best, x, transform::energy_entropy{}) - least) < 1e-5);
        const auto short_one = transform::best_packet_tree<transform::lifting_5_3>(
            pith::view_2d<const std::int32_t>(z, 1, 8), 3, transform::magnitude_bits{});
        CHECK(std::abs(cost_of<transform::lifting_5_3>(short_one, z, transform::magnitude_bits{}) -
                       least_bits) < 1e-9);
    }
    const floats zeros(16);
    CHECK(transform::best_packet_tree<transform::haar>(pith::view_2d<const float>(zeros, 2, 8), 3,
                                                       transform::energy_entropy{}) == packet_tree(8, 0));
    CHECK(transform::best_packet_tree<transform::haar>(pith::view_2d<const float>(zeros.data(), 0, 9, 9), 3,
                                                       transform::energy_entropy{}) == packet_tree(9, 0));
}

TEST_CASE("a tone between the bands wants its high band split, a jump does not") {
    const std::size_t n = 256;
    floats tone(n), jump(n);
    for (std::size_t i = 0; i < n; ++i) {
        tone[i] = std::cos(2.4F * static_cast<float>(i));
        jump[i] = i < 100 ? 0.0F : 1.0F;
    }
    const transform::energy_entropy entropy;
    const auto view = [&](const floats& x) { return pith::view_2d<const float>(x, 1, n); };
    using d4 = transform::daubechies_4;
    const auto tree = transform::best_packet_tree<d4>(view(tone), 5, entropy);
    CHECK(cost_of<d4>(tree, tone, entropy) < 0.8 * cost_of<d4>(packet_tree(n, 5, true), tone, entropy));
    using haar = transform::haar;
    const auto edge = transform::best_packet_tree<haar>(view(jump), 5, entropy);
    CHECK(cost_of<haar>(edge, jump, entropy) <= cost_of<haar>(packet_tree(n, 5, true), jump, entropy));
    CHECK(edge.packets().back() == n / 2);
}

TEST_CASE("trees of packets are stored in a bit a band, and damaged ones refused or other trees") {
    for (const std::size_t n : {0UL, 1UL, 2UL, 9UL, 64UL, 77UL}) {
        CAPTURE(n);
        const packet_tree tree = random_tree(n, 5);
        const auto bytes = saved(tree);
        CHECK(bytes.size() == (tree.marks().size() + 7) / 8);
        pith::byte_reader from(bytes);
        const auto loaded = packet_tree::load(from, n);
        REQUIRE(loaded.has_value());
        CHECK(*loaded == tree);
        CHECK(from.remaining() == 0);
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            pith::byte_reader cut(pith::byte_view(bytes).first(i));
            CHECK_FALSE(packet_tree::load(cut, n).has_value());
            for (unsigned b = 0; b < 8; ++b) {
                auto damaged = bytes;
                damaged[i] = static_cast<std::uint8_t>(damaged[i] ^ (1U << b));
                pith::byte_reader hurt(damaged);
                const auto other = packet_tree::load(hurt, n);
                if (other) CHECK_FALSE(*other == tree);
            }
        }
    }
}

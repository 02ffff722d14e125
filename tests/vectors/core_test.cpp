#include <pith/core/checksum.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/core/fixed.hpp>
#include <pith/core/number.hpp>
#include <pith/core/random.hpp>

#include <bit>
#include <string>

#include "vectors/frozen.hpp"
#include "vectors/samples.hpp"

namespace {

using bytes = std::vector<std::uint8_t>;

// Collects values as little-endian bytes. NaNs count as one: their payload is the machine's affair.
class values {
  public:
    void add(double v) {
        add_bits<std::uint64_t>(v != v ? ~std::uint64_t{0} : std::bit_cast<std::uint64_t>(v));
    }
    void add(float v) {
        add_bits<std::uint32_t>(v != v ? ~std::uint32_t{0} : std::bit_cast<std::uint32_t>(v));
    }
    void add(std::uint16_t v) { add_bits<std::uint16_t>(v); }
    void add(std::uint32_t v) { add_bits<std::uint32_t>(v); }
    void add(std::uint64_t v) { add_bits<std::uint64_t>(v); }
    [[nodiscard]] const bytes& all() const { return out_; }

  private:
    template <class U>
    void add_bits(U v) {
        pith::vector_sink sink(out_);
        pith::put_le<U>(sink, v);
    }
    bytes out_;
};

// Arguments of every size, both signs: 2^-40 .. 2^40 and a fine grid within +-32.
std::vector<double> arguments() {
    pith::random_sequence random(5);
    std::vector<double> out{0.0, -0.0, 1.0, -1.0, 0.5, 2.0};
    for (int exponent = -40; exponent <= 40; ++exponent) {
        for (int i = 0; i < 10; ++i) {
            const double scale = std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
            const double v = (1.0 + random.uniform_double()) * scale;
            out.push_back(v);
            out.push_back(-v);
        }
    }
    for (int i = -2048; i <= 2048; ++i) out.push_back(i / 64.0);
    return out;
}

void check(frozen::rows& rows, const char* name, double (*f)(double)) {
    values v;
    for (const double x : arguments()) v.add(f(x));
    rows.check(std::string("core/exact.") + name, "double", v.all());
}
void check(frozen::rows& rows, const char* name, float (*f)(float)) {
    values v;
    for (const double x : arguments()) v.add(f(static_cast<float>(x)));
    rows.check(std::string("core/exact.") + name, "float", v.all());
}

template <class Short>
void check_number(frozen::rows& rows, const char* name) {
    values from, to;
    samples::generator g{99};
    for (int i = 0; i < 20000; ++i)
        from.add(static_cast<std::uint16_t>(Short(std::bit_cast<float>(g.next())).bits));
    for (std::uint32_t b = 0; b < (sizeof(Short) == 1 ? 256U : 65536U); ++b)
        to.add(static_cast<float>(Short::from_bits(static_cast<decltype(Short::bits)>(b))));
    rows.check(std::string("core/number.") + name, "from_float", from.all());
    rows.check(std::string("core/number.") + name, "to_float", to.all());
}

void check_sums(frozen::rows& rows) {
    pith::random_sequence random(6);
    std::vector<float> a, b;
    for (int i = 0; i < 3000; ++i) a.push_back(random.uniform() - 0.5F), b.push_back(random.uniform() - 0.5F);
    values v;
    for (std::size_t n = 0; n < a.size(); n += 1 + n / 16) {
        const std::span<const float> x(a.data(), n), y(b.data(), n);
        v.add(pith::exact::sum(x));
        v.add(pith::exact::dot(x, y));
        std::vector<float> z(y.begin(), y.end());
        pith::exact::add_scaled(z, 0.37F, x);
        v.add(pith::exact::sum(z));
    }
    rows.check("core/exact.sums", "float", v.all());
}

}  // namespace

TEST_CASE("exact functions give the frozen bits") {
    namespace x = pith::exact;
    frozen::rows rows("core/exact.");
    using unary = double (*)(double);
    using unary_float = float (*)(float);
    check(rows, "exp", static_cast<unary>(x::exp));
    check(rows, "exp2", static_cast<unary>(x::exp2));
    check(rows, "expm1", static_cast<unary>(x::expm1));
    check(rows, "log", static_cast<unary>(x::log));
    check(rows, "log1p", static_cast<unary>(x::log1p));
    check(rows, "tanh", static_cast<unary>(x::tanh));
    check(rows, "logistic", static_cast<unary>(x::logistic));
    check(rows, "erf", static_cast<unary>(x::erf));
    check(rows, "erfc", static_cast<unary>(x::erfc));
    check(rows, "normal_cdf", static_cast<unary>(x::normal_cdf));
    check(rows, "cos_of_turns",
          [](double v) { return x::cos_of_turns(v - static_cast<double>(static_cast<std::int64_t>(v))); });
    check(rows, "sqrt", [](double v) { return x::sqrt(v); });
    check(rows, "exp", static_cast<unary_float>(x::exp));
    check(rows, "log", static_cast<unary_float>(x::log));
    check(rows, "tanh", static_cast<unary_float>(x::tanh));
    check(rows, "sqrt", [](float v) { return x::sqrt(v); });
    check_sums(rows);
    rows.finish();
}

TEST_CASE("fixed-point tables hold the frozen values") {
    frozen::rows rows("core/fixed.");
    values stretch16, squash16, stretch12, squash12;
    for (std::uint32_t p = 1; p < 65536; ++p) stretch16.add(static_cast<std::uint32_t>(pith::stretch16(p)));
    for (int i = -25000; i <= 25000; ++i) squash16.add(pith::squash16(i));
    for (std::uint32_t p = 1; p < 4096; ++p) stretch12.add(static_cast<std::uint32_t>(pith::stretch12(p)));
    for (int i = -2100; i <= 2100; ++i) squash12.add(pith::squash12(i));
    rows.check("core/fixed.stretch16", "all", stretch16.all());
    rows.check("core/fixed.squash16", "all", squash16.all());
    rows.check("core/fixed.stretch12", "all", stretch12.all());
    rows.check("core/fixed.squash12", "all", squash12.all());
    rows.finish();
}

TEST_CASE("short floating-point numbers convert as frozen") {
    frozen::rows rows("core/number.");
    check_number<pith::half>(rows, "half");
    check_number<pith::bfloat16>(rows, "bfloat16");
    check_number<pith::fp8_e4m3>(rows, "fp8_e4m3");
    check_number<pith::fp8_e5m2>(rows, "fp8_e5m2");
    rows.finish();
}

TEST_CASE("random sequences and checksums are the frozen ones") {
    frozen::rows rows("core/random.");
    values words, below, normal;
    pith::random_sequence random(7, 3);
    for (int i = 0; i < 1000; ++i) words.add(random());
    for (std::uint32_t n = 1; n < 1000; ++n) below.add(random.below(n * n * n));
    for (int i = 0; i < 1000; ++i) normal.add(random.gaussian());
    rows.check("core/random.words", "seed7", words.all());
    rows.check("core/random.below", "seed7", below.all());
    rows.check("core/random.gaussian", "seed7", normal.all());
    rows.finish();
    frozen::rows checksums("core/checksum.");
    values xxh, crc;
    const bytes in = samples::sample(2, 300);
    for (std::size_t n = 0; n <= in.size(); ++n) {
        xxh.add(pith::xxh64_of(pith::byte_view(in).first(n), n));
        crc.add(pith::crc32c(pith::byte_view(in).first(n)));
    }
    checksums.check("core/checksum.xxh64", samples::name(2, 300), xxh.all());
    checksums.check("core/checksum.crc32c", samples::name(2, 300), crc.all());
    checksums.finish();
}

#include <pith/core/exact_math.hpp>
#include <pith/core/random.hpp>

#include <cmath>
#include <vector>
#if defined(__SSE2__)
#    include <xmmintrin.h>
#endif

#include "support/catch.hpp"
#include "support/digest.hpp"

namespace exact = pith::exact;

namespace {

/// |got - truth| in units in the last place of a double of truth's size.
double ulps(double got, long double truth) {
    if (truth == 0.0L) return got == 0.0 ? 0 : 1e9;
    int exponent = 0;
    static_cast<void>(std::frexp(truth, &exponent));
    return static_cast<double>(std::fabs(static_cast<long double>(got) - truth) /
                               std::ldexp(1.0L, exponent - 53));
}

/// The largest error of `own` against `reference` over [low, high].
template <class Own, class Reference>
double worst_ulps(Own own, Reference reference, double low, double high) {
    pith::random_sequence draw(11);
    double worst = 0;
    for (int i = 0; i < 100000; ++i) {
        double x = low + (high - low) * draw.uniform_double();
        if (i % 4 == 0) x *= std::ldexp(1.0, -static_cast<int>(draw.below(30)));
        if (x < low || x > high) continue;
        worst = std::max(worst, ulps(own(x), reference(static_cast<long double>(x))));
    }
    return worst;
}

#define PITH_EXACT(name) [](double x) { return exact::name(x); }
#define PITH_TRUTH(name) [](long double x) { return std::name(x); }

std::vector<float> noise(std::size_t n, std::uint64_t seed) {
    pith::random_sequence draw(seed);
    std::vector<float> v(n);
    for (float& x : v) x = (draw.uniform() - 0.5F) * std::ldexp(1.0F, static_cast<int>(draw.below(12)));
    return v;
}

/// Sets the flush-to-zero and denormals-are-zero modes while it lives.
class flushing {
  public:
#if defined(__SSE2__)
    flushing() : old_(_mm_getcsr()) { _mm_setcsr(old_ | 0x8040U); }
    ~flushing() { _mm_setcsr(old_); }

  private:
    unsigned old_;
#elif defined(__aarch64__)
    flushing() {
        asm volatile("mrs %0, fpcr" : "=r"(old_));
        asm volatile("msr fpcr, %0" : : "r"(old_ | (1UL << 24)));
    }
    ~flushing() { asm volatile("msr fpcr, %0" : : "r"(old_)); }

  private:
    unsigned long old_;
#else
    flushing() {}
#endif
};

/// Bits of every float function over floats of all sizes, subnormal ones included.
std::uint64_t digest_of_float_functions() {
    digest d;
    std::uint32_t bits = 0;
    for (int i = 0; i < 20000; ++i) {
        bits = bits * 1664525U + 1013904223U;
        const std::uint32_t exponent = static_cast<std::uint32_t>(i) % 160;  // 0..159: subnormal to 2^32
        const float x = std::bit_cast<float>((bits & 0x807FFFFFU) | exponent << 23);
        d.add(exact::exp(x));
        d.add(exact::exp2(x));
        d.add(exact::expm1(x));
        d.add(exact::tanh(x));
        d.add(exact::logistic(x));
        d.add(exact::erf(x));
        d.add(exact::erfc(x));
        d.add(exact::normal_cdf(x));
        d.add(exact::log(x < 0 ? -x : x));
        d.add(exact::log1p(x < 0 ? -x : x));
    }
    return d.value();
}

std::uint64_t digest_of_double_functions() {
    digest d;
    for (int i = 0; i < 100000; ++i) {
        const double x = (i - 50000) * (1.0 / 1024) + 0.0001;
        d.add(exact::exp(x));
        d.add(exact::exp2(x));
        d.add(exact::expm1(x));
        d.add(exact::log(x < 0 ? -x : x));
        d.add(exact::log1p(x < 0 ? -x : x));
        d.add(exact::tanh(x));
        d.add(exact::logistic(x));
        d.add(exact::erf(x));
        d.add(exact::erfc(x));
        d.add(exact::normal_cdf(x));
        d.add(exact::cos_of_turns(x));
        d.add(exact::sin_of_turns(x));
    }
    return d.value();
}

}  // namespace

TEST_CASE("exact functions keep their stated error in double") {
    CHECK(worst_ulps(PITH_EXACT(exp), PITH_TRUTH(exp), -708, 709.7) <= 0.93);
    CHECK(worst_ulps(PITH_EXACT(exp), PITH_TRUTH(exp), -2, 2) <= 0.93);
    CHECK(worst_ulps(PITH_EXACT(exp2), PITH_TRUTH(exp2), -1022, 1023.9) <= 1.0);
    CHECK(worst_ulps(PITH_EXACT(expm1), PITH_TRUTH(expm1), -40, 40) <= 1.6);
    CHECK(worst_ulps(PITH_EXACT(expm1), PITH_TRUTH(expm1), -2, 2) <= 1.6);
    CHECK(worst_ulps(PITH_EXACT(log), PITH_TRUTH(log), 1e-300, 4) <= 0.9);
    CHECK(worst_ulps(PITH_EXACT(log), PITH_TRUTH(log), 0.5, 2) <= 0.9);
    CHECK(worst_ulps(PITH_EXACT(log), PITH_TRUTH(log), 1e-300, 1e300) <= 0.9);
    CHECK(worst_ulps(PITH_EXACT(log1p), PITH_TRUTH(log1p), -0.9999, 3) <= 2.6);
    CHECK(worst_ulps(PITH_EXACT(log1p), PITH_TRUTH(log1p), -0.01, 0.01) <= 2.6);
    CHECK(worst_ulps(PITH_EXACT(tanh), PITH_TRUTH(tanh), -25, 25) <= 2.6);
    CHECK(worst_ulps(PITH_EXACT(tanh), PITH_TRUTH(tanh), -1, 1) <= 2.6);
    CHECK(worst_ulps(PITH_EXACT(erf), PITH_TRUTH(erf), -7, 7) <= 2.1);
    CHECK(worst_ulps(PITH_EXACT(erf), PITH_TRUTH(erf), -1, 1) <= 2.1);
    CHECK(worst_ulps(PITH_EXACT(erfc), PITH_TRUTH(erfc), -7, 26.5) <= 7);
    CHECK(worst_ulps(PITH_EXACT(erfc), PITH_TRUTH(erfc), -1, 2) <= 7);
    CHECK(worst_ulps(
              PITH_EXACT(logistic), [](long double x) { return 1 / (1 + std::exp(-x)); }, -700, 40) <= 1.9);
    const auto cdf = [](long double z) { return std::erfc(-z * std::sqrt(0.5L)) / 2; };
    CHECK(worst_ulps(PITH_EXACT(normal_cdf), cdf, 0, 9) <= 2);
    CHECK(worst_ulps(PITH_EXACT(normal_cdf), cdf, -3, 0) <= 7 + 2 * 3 * 3);
    CHECK(worst_ulps(PITH_EXACT(normal_cdf), cdf, -37, -3) <= 7 + 2 * 37 * 37);
    double worst = 0;
    for (int i = -5000; i <= 5000; ++i) {
        const double u = i * 0.0007;
        const long double angle = static_cast<long double>(u) * 6.28318530717958647692528676655900577L;
        worst = std::max(worst, static_cast<double>(std::fabs(
                                    static_cast<long double>(exact::cos_of_turns(u)) - std::cos(angle))));
        worst = std::max(worst, static_cast<double>(std::fabs(
                                    static_cast<long double>(exact::sin_of_turns(u)) - std::sin(angle))));
    }
    CHECK(worst < 1e-15);
}

TEST_CASE("exact functions in float are within 0.501 units of the truth") {
    double worst = 0;
    for (std::uint32_t bits = 0x3000'0000U; bits < 0x4300'0000U; bits += 3001) {
        for (const float x : {std::bit_cast<float>(bits), -std::bit_cast<float>(bits)}) {
            const auto error = [](float got, double truth) {
                if (std::fabs(truth) < 0x1p-125 || std::fabs(truth) > 0x1p127) return 0.0;
                return std::fabs(static_cast<double>(got) - truth) / std::ldexp(1.0, std::ilogb(truth) - 23);
            };
            const double d = static_cast<double>(x);
            worst = std::max(worst, error(exact::exp(x), std::exp(d)));
            worst = std::max(worst, error(exact::tanh(x), std::tanh(d)));
            worst = std::max(worst, error(exact::erf(x), std::erf(d)));
            if (x > 0) worst = std::max(worst, error(exact::log(x), std::log(d)));
            if (x > -1) worst = std::max(worst, error(exact::log1p(x), std::log1p(d)));
        }
    }
    CHECK(worst < 0.501);
}

TEST_CASE("exact functions are right at the edges of their domain") {
    const double inf = std::numeric_limits<double>::infinity();
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(exact::exp(0.0) == 1.0);
    CHECK(exact::exp(inf) == inf);
    CHECK(exact::exp(-inf) == 0.0);
    CHECK(exact::exp(709.78) > 1e308);
    CHECK(exact::exp(709.79) == inf);
    CHECK(exact::exp(-708.39) > 0.0);
    CHECK(exact::exp(-709.0) == 0.0);
    CHECK(exact::exp2(-1022.0) == 0x1p-1022);
    CHECK(exact::exp2(1023.0) == 0x1p1023);
    CHECK(exact::exp2(1024.0) == inf);
    CHECK(exact::exp2(-1022.5) == 0.0);
    CHECK(exact::log(1.0) == 0.0);
    CHECK(exact::log(0.0) == -inf);
    CHECK(exact::log(inf) == inf);
    CHECK(std::isnan(exact::log(-1.0)));
    CHECK(exact::log1p(-1.0) == -inf);
    CHECK(exact::log1p(inf) == inf);
    CHECK(std::isnan(exact::log1p(-2.0)));
    CHECK(exact::expm1(-inf) == -1.0);
    CHECK(exact::expm1(inf) == inf);
    CHECK(exact::tanh(inf) == 1.0);
    CHECK(exact::tanh(-inf) == -1.0);
    CHECK(exact::logistic(-inf) == 0.0);
    CHECK(exact::logistic(inf) == 1.0);
    CHECK(exact::erf(inf) == 1.0);
    CHECK(exact::erfc(-inf) == 2.0);
    CHECK(exact::normal_cdf(0.0) == 0.5);
    for (double v : {exact::exp(nan), exact::exp2(nan), exact::expm1(nan), exact::log(nan), exact::log1p(nan),
                     exact::tanh(nan), exact::logistic(nan), exact::erf(nan), exact::erfc(nan),
                     exact::normal_cdf(nan), exact::sqrt(nan), exact::sqrt(-1.0)})
        CHECK(std::isnan(v));
    CHECK(exact::exp(100.0F) == std::numeric_limits<float>::infinity());
    CHECK(exact::exp(-88.0F) == 0.0F);
    CHECK(std::isnan(exact::exp(std::numeric_limits<float>::quiet_NaN())));
    CHECK(exact::sqrt(2.0) == std::sqrt(2.0));
    CHECK(exact::sqrt(2.0F) == std::sqrt(2.0F));
    CHECK(exact::sqrt(0.0) == 0.0);
}

TEST_CASE("exact functions give the same bits at compile time and at run time") {
    volatile double x = 0.7;
    constexpr double at_compile_time[] = {exact::exp(0.7),        exact::log(0.7), exact::tanh(0.7),
                                          exact::normal_cdf(0.7), exact::erf(0.3), exact::cos_of_turns(0.7)};
    volatile double y = 0.3;
    CHECK(at_compile_time[0] == exact::exp(x));
    CHECK(at_compile_time[1] == exact::log(x));
    CHECK(at_compile_time[2] == exact::tanh(x));
    CHECK(at_compile_time[3] == exact::normal_cdf(x));
    CHECK(at_compile_time[4] == exact::erf(y));
    CHECK(at_compile_time[5] == exact::cos_of_turns(x));
}

TEST_CASE("dots and sums follow the order of sixteen lanes on every size and alignment") {
    const std::vector<float> a = noise(600, 1);
    const std::vector<float> b = noise(600, 2);
    std::size_t wrong = 0;
    for (std::size_t n = 0; n <= 257; ++n)
        for (std::size_t offset = 0; offset < 5; ++offset) {
            float product[16] = {};
            float plain[16] = {};
            for (std::size_t i = 0; i < n; ++i) {
                volatile float p = a[offset + i] * b[2 * offset + i];
                product[i % 16] += p;
                plain[i % 16] += a[offset + i];
            }
            for (std::size_t half = 8; half != 0; half /= 2)
                for (std::size_t l = 0; l < half; ++l) {
                    product[l] += product[l + half];
                    plain[l] += plain[l + half];
                }
            const std::span<const float> x(a.data() + offset, n);
            wrong += exact::dot(x, std::span<const float>(b.data() + 2 * offset, n)) != product[0];
            wrong += exact::sum(x) != plain[0];
            std::vector<float> y(b.begin(), b.begin() + static_cast<std::ptrdiff_t>(n));
            exact::add_scaled(y, 0.37F, x);
            for (std::size_t i = 0; i < n; ++i) {
                volatile float p = 0.37F * x[i];
                wrong += y[i] != b[i] + p;
            }
        }
    CHECK(wrong == 0);
    constexpr float fixed[] = {1.5F, 2.5F, -3.0F};
    STATIC_REQUIRE(exact::dot(fixed, fixed) == 17.5F);
    STATIC_REQUIRE(exact::sum(fixed) == 1.0F);
}

TEST_CASE("exact arithmetic is frozen") {
    const std::vector<float> a = noise(16384, 3);
    const std::vector<float> b = noise(16384, 4);
    digest d;
    for (std::size_t n : {1U, 17U, 1000U, 16384U}) {
        d.add(exact::dot(std::span(a).first(n), std::span(b).first(n)));
        d.add(exact::sum(std::span(a).first(n)));
    }
    double chain = 1;
    for (float x : a) {
        chain = exact::mul_add(chain, static_cast<double>(x) / 4096, 0.25);
        d.add(chain);
        d.add(exact::sqrt(x < 0 ? -x : x));
    }
    CHECK(d.value() == 0x9cf3466e37ad24bb);
    CHECK(digest_of_double_functions() == 0x004e4076e4be2828);
    CHECK(digest_of_float_functions() == 0xb738c6835cafb174);
}

TEST_CASE("exact float functions give the same bits where subnormals are flushed") {
    const std::uint64_t plain = digest_of_float_functions();
    std::uint64_t flushed = 0;
    {
        const flushing mode;
        flushed = digest_of_float_functions();
    }
    CHECK(plain == flushed);
}

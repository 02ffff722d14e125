// Bits for independent Gaussian components, in closed form.
// Reverse water-filling (Kolmogorov, 1956; Cover and Thomas, 2006): every component is coded to the same
// distortion, and those below it get nothing; then whole bits by the largest gain.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/result.hpp>

namespace pith::inline v1::budget {

/// Bits b_i >= 0 with sum `total` that minimize the sum of variance_i 2^(-2 b_i). Errors: a variance that is
/// negative or not finite, none above 0, or a negative total.
[[nodiscard]] inline result<std::vector<double>> water_filling(std::span<const double> variances,
                                                               double total) {
    double positive = 0;
    for (const double v : variances) {
        if (!(v >= 0 && v <= 1e300))
            return error{error_code::unsupported_parameter, 0, "a variance is negative or not finite"};
        positive += v > 0;
    }
    if (positive == 0 || !(total >= 0 && total <= 1e300))
        return error{error_code::unsupported_parameter, 0, "no variance above 0, or a negative total"};
    std::vector<double> logs;
    for (const double v : variances)
        if (v > 0) logs.push_back(0.5 * std::log2(v));
    std::sort(logs.begin(), logs.end(), std::greater<>());
    // With the k largest above the water, its level is (sum of their logs - total) / k; the right k is the
    // largest whose weakest component is still above.
    double sum = 0, level = logs[0];
    for (std::size_t k = 1; k <= logs.size(); ++k) {
        sum += logs[k - 1];
        if ((sum - total) / static_cast<double>(k) > logs[k - 1]) break;
        level = (sum - total) / static_cast<double>(k);
    }
    std::vector<double> out;
    for (const double v : variances) out.push_back(v > 0 ? std::max(0.0, 0.5 * std::log2(v) - level) : 0.0);
    return out;
}

/// Whole bits b_i in 0 .. most with sum <= total that minimize the same sum: one bit at a time where it saves
/// most, which is optimal because each further bit saves a quarter of the one before.
[[nodiscard]] inline result<std::vector<std::uint32_t>> whole_bits(std::span<const double> variances,
                                                                   std::uint64_t total, std::uint32_t most) {
    std::vector<std::pair<double, std::size_t>> heap;  // error of the component now
    for (std::size_t i = 0; i < variances.size(); ++i) {
        if (!(variances[i] >= 0 && variances[i] <= 1e300))
            return error{error_code::unsupported_parameter, 0, "a variance is negative or not finite"};
        if (variances[i] > 0 && most > 0) heap.emplace_back(variances[i], i);
    }
    std::make_heap(heap.begin(), heap.end());
    std::vector<std::uint32_t> out(variances.size());
    for (; total > 0 && !heap.empty(); --total) {
        std::pop_heap(heap.begin(), heap.end());
        auto& [error_now, i] = heap.back();
        if (++out[i] == most) {
            heap.pop_back();
        } else {
            error_now /= 4;
            std::push_heap(heap.begin(), heap.end());
        }
    }
    return out;
}

}  // namespace pith::inline v1::budget

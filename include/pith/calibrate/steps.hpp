// Unbounded integer codes with one step for each column, made to be entropy coded.
// Steps c / T_jj make every column add the same error, as reverse water-filling asks (WaterSIC, 2026); one
// step for all is entropy-coded GPTQ. Steps are rounded to what a stream stores before they are used.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <vector>

#include <pith/calibrate/code_stream.hpp>
#include <pith/calibrate/concepts.hpp>
#include <pith/core/number.hpp>

namespace pith::inline v1::calibrate {

/// How wide the step of a column is, given its conditional deviation T_jj (> 0).
template <class R>
concept step_rule = requires(const R r, double deviation) {
    { r.step(deviation) } -> std::same_as<double>;
};

/// The same step for all columns.
struct uniform_step {
    [[nodiscard]] double step(double) const noexcept { return 1; }
};
/// Steps inversely proportional to the deviation: equal error in every column.
struct inverse_deviation {
    [[nodiscard]] double step(double deviation) const noexcept { return 1 / deviation; }
};

/// A column_quantizer to integers of any size, `scale` times the rule's step apart. With a trellis as Machine
/// the codes of a column are chosen together, by Viterbi's algorithm down its rows.
template <step_rule Rule = inverse_deviation, code_machine Machine = independent_codes>
class stepped {
  public:
    /// Precondition: scale > 0 and finite.
    explicit stepped(double scale, Rule rule = {}) noexcept : scale_(scale), rule_(rule) {}

    [[nodiscard]] std::size_t group() const noexcept { return 0; }
    result<void> start(view_2d<const float> weights, std::span<const float> deviation) {
        rows_ = weights.columns();
        codes_.assign(weights.rows() * rows_, 0);
        steps_.clear();
        for (const float d : deviation) {
            const bfloat16 step(static_cast<float>(scale_ * rule_.step(static_cast<double>(d))));
            if (!(float(step) > 0x1p-120F && float(step) < 0x1p120F))
                return error{error_code::unsupported_parameter, 0, "a step is too small or too large"};
            steps_.push_back(step);
        }
        return {};
    }
    void fit(std::size_t, view_2d<const float>) noexcept {}
    void quantize(std::size_t position, std::span<const float> running, std::span<float> out) {
        if constexpr (Machine::states > 1) return quantize_together(position, running, out);
        const float step = float(steps_[position]);
        constexpr float top = float{quant::max_index};
        std::int32_t* const codes = codes_.data() + position * rows_;
        for (std::size_t r = 0; r < rows_; ++r) {
            float code = std::nearbyint(running[r] / step);
            code = code > top ? top : code < -top ? -top : code;
            codes[r] = static_cast<std::int32_t>(code);
            out[r] = code * step;
        }
    }

    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] std::span<const bfloat16> steps() const noexcept { return steps_; }
    /// Column after column, by position.
    [[nodiscard]] std::span<const std::int32_t> codes() const noexcept { return codes_; }

  private:
    /// Half-steps are half the step, so |code| <= max_index holds with room.
    void quantize_together(std::size_t position, std::span<const float> running, std::span<float> out) {
        const float half = 0.5F * float(steps_[position]);
        const auto place = [&](std::size_t r) {
            const double p = static_cast<double>(running[r]) / static_cast<double>(half);
            return p > quant::max_index ? quant::max_index : p < -quant::max_index ? -quant::max_index : p;
        };
        vector::trellis_search<Machine::states> search(rows_);
        for (std::size_t r = 0; r < rows_; ++r) search.add(place(r));
        const std::vector<std::int32_t> found = search.indices(place);
        unsigned state = 0;
        for (std::size_t r = 0; r < rows_; ++r) {
            codes_[position * rows_ + r] = found[r];
            out[r] = static_cast<float>(vector::half_steps(found[r], Machine::odd(state))) * half;
            state = Machine::next[state][found[r] & 1];
        }
    }

    double scale_;
    Rule rule_;
    std::size_t rows_ = 0;
    std::vector<bfloat16> steps_;
    std::vector<std::int32_t> codes_;
};

}  // namespace pith::inline v1::calibrate

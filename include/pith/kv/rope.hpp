// The rotary position embedding of keys and queries.
// Su et al. (RoFormer, 2021). Pairs are neighbours (the paper, llama2.c) or lie half a head apart (GPT-NeoX).
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>

namespace pith::inline v1::kv {

/// Which two channels of a head turn together.
enum class rope_pairing : std::uint8_t {
    none,      ///< the program rotates by itself, or the model has no rotary embedding
    adjacent,  ///< 2 i and 2 i + 1
    halves,    ///< i and i + head_size / 2
};

/// Pair i of a head of d channels turns by position * base^(-2 i / d). The last channel of an odd head stays.
struct rope {
    float base = 10000;
    rope_pairing pairing = rope_pairing::none;

    friend constexpr bool operator==(const rope&, const rope&) = default;
};

/// Turns rows of heads. Cosines and sines are made once for each position and all its heads, by adding angles
/// from tables in doubles: the machine's sine is asked once in 1024 positions. They depend on the position
/// alone, not on those before it. Encoder-side: the last bit depends on the machine's sine.
class rope_rotation {
  public:
    rope_rotation(const rope& kind, std::size_t head_size)
        : pairing_(kind.pairing),
          head_size_(head_size),
          frequencies_(kind.pairing == rope_pairing::none ? 0 : head_size / 2),
          start_(frequencies_.size()),
          begun_(start_),
          cosines_(frequencies_.size()),
          sines_(frequencies_.size()) {
        for (std::size_t i = 0; i < frequencies_.size(); ++i)
            frequencies_[i] = std::pow(static_cast<double>(kind.base),
                                       -2.0 * static_cast<double>(i) / static_cast<double>(head_size));
        auto made = std::make_shared<tables>(frequencies_.size() * steps);
        fill(made->ones, 1);
        fill(made->tens, steps);
        tables_ = std::move(made);
    }
    /// False when `turn` changes nothing.
    [[nodiscard]] bool active() const noexcept { return pairing_ != rope_pairing::none; }
    /// Turns every head of the row by `position`. Precondition: row.size() is a multiple of the head size.
    void turn(std::span<float> row, std::uint32_t position) noexcept {
        PITH_ASSERT(row.size() % head_size_ == 0);
        if (!active()) return;
        aim(position);
        for (std::size_t at = 0; at < row.size(); at += head_size_) turn_head(row.data() + at);
    }

  private:
    /// Unit vectors of angles: rows of one for each pair of channels.
    struct angles {
        explicit angles(std::size_t n) : cosines(n), sines(n) {}
        std::vector<double> cosines, sines;
    };
    /// Of 0 to 31 positions, and of 0 to 31 times 32.
    struct tables {
        explicit tables(std::size_t n) : ones(n), tens(n) {}
        angles ones, tens;
    };
    /// A position is (high * steps + ten) * steps + one.
    static constexpr std::uint32_t steps = 32;

    /// to[to_row] = a[a_row] turned on by b[b_row].
    void add(const angles& a, std::size_t a_row, const angles& b, std::size_t b_row, angles& to,
             std::size_t to_row) const noexcept {
        const std::size_t pairs = frequencies_.size();
        for (std::size_t i = 0, x = a_row * pairs, y = b_row * pairs, z = to_row * pairs; i < pairs;
             ++i, ++x, ++y, ++z) {
            const double cosine = a.cosines[x] * b.cosines[y] - a.sines[x] * b.sines[y];
            to.sines[z] = a.sines[x] * b.cosines[y] + a.cosines[x] * b.sines[y];
            to.cosines[z] = cosine;
        }
    }
    /// The angles of a position, asked of the machine.
    void ask(std::uint32_t position, angles& to, std::size_t row) const noexcept {
        for (std::size_t i = 0; i < frequencies_.size(); ++i) {
            const double angle = frequencies_[i] * position;
            to.cosines[row * frequencies_.size() + i] = std::cos(angle);
            to.sines[row * frequencies_.size() + i] = std::sin(angle);
        }
    }
    /// Rows 0, step, 2 step, ...: thirty additions cost a few units of 2^-53.
    void fill(angles& table, std::uint32_t step) const noexcept {
        ask(0, table, 0);
        ask(step, table, 1);
        for (std::size_t row = 2; row < steps; ++row) add(table, row - 1, table, 1, table, row);
    }
    void aim(std::uint32_t position) noexcept {
        if (aimed_ && position == position_) return;
        const std::uint32_t ten = position / steps;
        if (!aimed_ || ten != position_ / steps) {
            if (!aimed_ || ten / steps != position_ / steps / steps)
                ask(ten / steps * (steps * steps), start_, 0);
            add(start_, 0, tables_->tens, ten % steps, begun_, 0);
        }
        const double* const one_cosines = tables_->ones.cosines.data() + position % steps * cosines_.size();
        const double* const one_sines = tables_->ones.sines.data() + position % steps * cosines_.size();
        for (std::size_t i = 0; i < cosines_.size(); ++i) {
            const double c = begun_.cosines[i], s = begun_.sines[i];
            cosines_[i] = static_cast<float>(c * one_cosines[i] - s * one_sines[i]);
            sines_[i] = static_cast<float>(s * one_cosines[i] + c * one_sines[i]);
        }
        position_ = position;
        aimed_ = true;
    }
    void turn_head(float* head) const noexcept {
        const bool adjacent = pairing_ == rope_pairing::adjacent;
        const std::size_t pairs = cosines_.size(), step = adjacent ? 2 : 1;
        const float *const cosines = cosines_.data(), *const sines = sines_.data();
        float* const other = head + (adjacent ? 1 : pairs);
        for (std::size_t i = 0; i < pairs; ++i) {
            const float x = head[i * step], y = other[i * step];
            head[i * step] = x * cosines[i] - y * sines[i];
            other[i * step] = x * sines[i] + y * cosines[i];
        }
    }

    rope_pairing pairing_;
    std::size_t head_size_;
    std::vector<double> frequencies_;
    std::shared_ptr<const tables> tables_;  // copies share them
    angles start_, begun_;                  // of the last position, down to a multiple of 1024, of 32
    std::vector<float> cosines_, sines_;
    std::uint32_t position_ = 0;
    bool aimed_ = false;
};

}  // namespace pith::inline v1::kv

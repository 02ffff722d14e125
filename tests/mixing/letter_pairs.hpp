// A fixed model of bytes by the byte before them, which knows a little English: what tests have for a
// language model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <pith/core/exact.hpp>
#include <pith/mixing/softmax.hpp>

namespace test_models {

/// A symbol_predictor that offers what the concept asks for and no more.
class letter_pairs {
  public:
    static std::size_t alphabet_size() noexcept { return 256; }
    void reset(std::size_t) noexcept { before_ = ' '; }
    void predict(std::span<float> p) noexcept {
        static constexpr char common[] = " etaoinshrdlu.";
        static constexpr char pairs[] =
            "the and ing ent ion her for tha nth int ere tio ter est ers ati hat ate all eth";
        for (float& v : p) v = 1.0F;
        for (std::size_t i = 0; i + 1 < sizeof(common); ++i)
            p[static_cast<unsigned char>(common[i])] += static_cast<float>(120 - 8 * i);
        for (std::size_t i = 0; i + 2 < sizeof(pairs); ++i)
            if (static_cast<unsigned char>(pairs[i]) == before_)
                p[static_cast<unsigned char>(pairs[i + 1])] += 90.0F;
        pith::mixing::normalize(p);
    }
    void update(std::uint32_t symbol) noexcept { before_ = symbol; }

  private:
    std::uint32_t before_ = ' ';
};

/// The same, with a number of its own, and a count of what it was told and asked.
class counting_pairs : public letter_pairs {
  public:
    explicit counting_pairs(std::uint32_t print = 7) noexcept : print_(print) {}
    [[nodiscard]] std::uint32_t fingerprint() const noexcept { return print_; }
    void predict(std::span<float> p) noexcept {
        ++asked;
        letter_pairs::predict(p);
    }
    void skip(std::uint32_t symbol) noexcept {
        ++skipped;
        update(symbol);
    }
    std::size_t asked = 0;
    std::size_t skipped = 0;

  private:
    std::uint32_t print_;
};

/// English enough, with repeats; the same everywhere.
inline std::string text(std::size_t n) {
    static constexpr const char* words[] = {"the ",  "cat ", "and ",     "her ",   "dog ", "went ",
                                            "into ", "a ",   "garden. ", "then ",  "all ", "of ",
                                            "them ", "ate ", "nothing ", "there. "};
    std::string out;
    std::uint32_t state = 1;
    while (out.size() < n) {
        state = state * 1664525 + 1013904223;
        out += words[state >> 28];
    }
    out.resize(n);
    return out;
}

}  // namespace test_models

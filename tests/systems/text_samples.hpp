// Made-up text for tests of text compressors: words of Zipf's frequencies, sentences, and quoted passages.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <pith/core/random.hpp>

namespace text_samples {

/// About `size` bytes. One sentence in `quoting` repeats an earlier passage of up to 60 words.
inline std::vector<std::uint8_t> prose(std::size_t size, std::uint32_t quoting, std::uint64_t seed) {
    pith::random_sequence random(seed);
    std::vector<std::string> vocabulary;
    for (unsigned i = 0; i < 2000; ++i) {
        std::string word;
        for (unsigned k = 0; k < 2 + i % 3; ++k) {
            word += "bcdfghlmnprstvw"[random.below(15)];
            word += "aeiou"[random.below(5)];
        }
        vocabulary.push_back(word);
    }
    std::string out;
    std::vector<std::size_t> sentences{0};
    while (out.size() < size) {
        if (sentences.size() > 20 && random.below(quoting) == 0) {
            const std::size_t from = random.below(static_cast<std::uint32_t>(sentences.size() - 9));
            out += out.substr(sentences[from], sentences[from + 8] - sentences[from]);
        }
        const std::size_t words = 4 + random.below(10);
        for (std::size_t k = 0; k < words; ++k) {
            const std::uint32_t spread = 1U << (1 + random.below(11));  // about as many words in each octave
            std::string word = vocabulary[(spread + random.below(spread)) % vocabulary.size()];
            if (k == 0 || random.below(40) == 0) word[0] = static_cast<char>(word[0] - 32);
            out += word + (k + 1 == words         ? (random.below(5) == 0 ? "?\n" : ". ")
                           : random.below(9) == 0 ? ", "
                                                  : " ");
        }
        sentences.push_back(out.size());
    }
    out.resize(size);
    return {out.begin(), out.end()};
}

}  // namespace text_samples

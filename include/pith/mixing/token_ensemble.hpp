// A frozen model made adaptive: its bias head, n-grams and repeats of the very text, mixed by their success.
// The ensemble of Nacrith (Tacconelli, 2026). What differs: certainty is the collision entropy, which needs
// no logarithms; a hundredth of the weights is dealt out anew after each symbol; repeats are verified, and
// trusted as far as they were right; all is exact on every machine.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/exact.hpp>
#include <pith/mixing/bias_head.hpp>
#include <pith/mixing/concepts.hpp>
#include <pith/mixing/exponential_weights.hpp>
#include <pith/mixing/token_lzp.hpp>
#include <pith/mixing/token_ngram.hpp>

namespace pith::inline v1::mixing {

/// What of the ensemble is used. The numbers of the publication, except where a comment says otherwise.
struct ensemble_options {
    bool bias = true;
    bool ngram = true;
    bool lzp = true;
    float bias_rate = 0.001F;
    std::uint32_t warm_up = 100;   ///< symbols before n-grams are certain enough to do without the model
    float certain_above = 0.0F;    ///< sum of p^2 above which the n-grams go alone; 0: never
    float start_of_model = 0.85F;  ///< the model's weight at the start; the others share the rest
    float power = 0.5F;            ///< of the exponential weights
    float share = 0.01F;           ///< of the weights, dealt out evenly; published: none
    ngram_sizes sizes = {};
    std::size_t history = std::size_t{1} << 18;  ///< symbols in which repeats are looked for

    /// A number for all of it, the same on every machine.
    [[nodiscard]] constexpr std::uint32_t fingerprint() const noexcept {
        const std::uint64_t fields[] = {bias,
                                        ngram,
                                        lzp,
                                        std::bit_cast<std::uint32_t>(bias_rate),
                                        warm_up,
                                        std::bit_cast<std::uint32_t>(certain_above),
                                        std::bit_cast<std::uint32_t>(start_of_model),
                                        std::bit_cast<std::uint32_t>(power),
                                        std::bit_cast<std::uint32_t>(share),
                                        sizes.contexts,
                                        sizes.continuations,
                                        history};
        std::uint64_t hash = 0;
        for (const std::uint64_t field : fields) {
            hash = (hash ^ field) * 0x9E37'79B9'7F4A'7C15;
            hash ^= hash >> 32;
        }
        return static_cast<std::uint32_t>(hash);
    }
};

/// A symbol_predictor over a Model that is one. After the warm-up, where the sum of squares of the n-gram's
/// probabilities is above certain_above, the model is not asked: 0.7 of the n-gram and 0.3 of the repeat are
/// taken. The model is told each symbol all the same, through skip if it has that, so that it stays in step
/// on both sides. Exact if the model is.
template <symbol_predictor Model>
class token_ensemble {
  public:
    /// Bytes that an object of the default sizes holds, beside 16 for each symbol of the alphabet.
    static constexpr std::size_t memory =
        token_ngram<>::memory_of({}) + token_lzp::memory_of(ensemble_options{}.history) + [] {
            if constexpr (requires { Model::memory; })
                return std::size_t{Model::memory};
            else
                return sizeof(Model);
        }();

    explicit token_ensemble(Model predictor = Model(), const ensemble_options& options = {})
        : model_(std::move(predictor)),
          options_(options),
          head_(model_.alphabet_size(), options.bias_rate),
          ngram_(model_.alphabet_size(), options.ngram ? options.sizes : ngram_sizes{4, 1}),
          lzp_(options.lzp ? options.history : 16),
          weights_(start_of(options), options.power, options.share),
          of_model_(model_.alphabet_size()),
          of_ngram_(model_.alphabet_size()) {}

    [[nodiscard]] std::size_t alphabet_size() const noexcept { return of_model_.size(); }
    /// The model's, and what the options are: a decoder needs the same.
    [[nodiscard]] std::uint32_t fingerprint() const noexcept requires identified_predictor<Model> {
        return static_cast<std::uint32_t>(model_.fingerprint()) ^ options_.fingerprint();
    }

    void reset(std::size_t symbols) noexcept {
        model_.reset(symbols);
        if (options_.bias) head_.reset();
        if (options_.ngram) ngram_.reset(symbols);
        if (options_.lzp) lzp_.reset(symbols);
        weights_.reset();
        seen_ = 0;
        asked_ = false;
        ready_ = false;
    }

    void predict(std::span<float> p) noexcept {
        if (!ready_) prepare();
        const values share = asked_ ? weights_.among(speaks_) : values_without_model();
        for (float& v : p) v = 0.0F;
        if (asked_) exact::add_scaled(p, share[model], of_model_);
        if (speaks_[ngram]) exact::add_scaled(p, share[ngram], of_ngram_);
        if (!speaks_[lzp]) return;
        const float rest = exact::mul(share[lzp], lzp_miss_);
        for (float& v : p) v = v + rest;
        p[lzp_symbol_] = p[lzp_symbol_] + exact::mul(share[lzp], lzp_hit_ - lzp_miss_);
    }

    void update(std::uint32_t symbol) noexcept {
        if (!ready_) prepare();  // what is learned must not depend on who asked
        if (asked_) {
            weights_.update({of_model_[symbol], of_ngram_[symbol],
                             speaks_[lzp] && symbol == lzp_symbol_ ? lzp_hit_ : lzp_miss_},
                            speaks_);
            if (options_.bias) head_.update(of_model_, symbol);
        }
        if (options_.ngram) ngram_.update(symbol);
        if (options_.lzp) lzp_.update(symbol);
        tell(symbol);
        ready_ = false;
        if (seen_ < options_.warm_up) ++seen_;
    }

    /// Whether the last prediction asked the model; for those who count.
    [[nodiscard]] bool asked() const noexcept { return asked_; }

  private:
    enum : std::size_t { model, ngram, lzp };  // the experts
    using weights = exponential_weights<3>;
    using values = weights::values;

    [[nodiscard]] static values start_of(const ensemble_options& o) noexcept {
        const float rest = exact::mul(0.5F, 1.0F - o.start_of_model);
        return {o.start_of_model, rest, rest};
    }
    [[nodiscard]] values values_without_model() const noexcept {
        return speaks_[lzp] ? values{0.0F, 0.7F, 0.3F} : values{0.0F, 1.0F, 0.0F};
    }
    /// The n-gram's distribution, and whether it suffices: the sum of its squares is 2^-(collision entropy).
    [[nodiscard]] bool is_certain() noexcept {
        if (!options_.ngram) return false;
        ngram_.predict(of_ngram_);
        return options_.certain_above > 0.0F && seen_ >= options_.warm_up &&
               exact::dot(of_ngram_, of_ngram_) > options_.certain_above;
    }
    void prepare() noexcept {
        asked_ = !is_certain();
        if (asked_) {
            model_.predict(of_model_);
            if (options_.bias) head_.apply(of_model_);
        }
        speaks_ = {asked_, options_.ngram, options_.lzp && lzp_.predicts()};
        if (speaks_[lzp]) {
            lzp_symbol_ = lzp_.predicted();
            lzp_hit_ = lzp_.confidence();
            lzp_miss_ = (1.0F - lzp_hit_) / static_cast<float>(of_model_.size() - 1);
        }
        ready_ = true;
    }
    void tell(std::uint32_t symbol) noexcept {
        if constexpr (skipping_predictor<Model>) {
            if (!asked_) return model_.skip(symbol);
        }
        model_.update(symbol);
    }

    Model model_;
    ensemble_options options_;
    bias_head head_;
    token_ngram<> ngram_;
    token_lzp lzp_;
    weights weights_;
    std::vector<float> of_model_;
    std::vector<float> of_ngram_;
    weights::flags speaks_{};
    std::uint32_t lzp_symbol_ = 0;
    float lzp_hit_ = 0.0F;
    float lzp_miss_ = 0.0F;
    std::uint32_t seen_ = 0;
    bool ready_ = false;  // what follows holds for the next symbol
    bool asked_ = false;
};

}  // namespace pith::inline v1::mixing

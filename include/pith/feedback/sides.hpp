// The plain halves of schemes: a worker without memory, a server that averages, a server that accumulates.
// Distributed compressed gradient descent (Khirirat et al., 2018; Alistarh et al., 2017).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/feedback/concepts.hpp>

namespace pith::inline v1::feedback {

/// A compressor and what its receiver will read: encodes, and decodes what was encoded.
template <compressor C>
class mirrored {
  public:
    explicit mirrored(C compressor) : compressor_(std::move(compressor)), seen_(compressor_.size()) {}

    [[nodiscard]] std::size_t size() const noexcept { return compressor_.size(); }
    [[nodiscard]] std::size_t max_encoded_size() const noexcept { return compressor_.max_encoded_size(); }
    [[nodiscard]] C& compressor() noexcept { return compressor_; }
    [[nodiscard]] const C& compressor() const noexcept { return compressor_; }

    result<std::size_t> encode_into(std::span<const float> x, message_id id, byte_span out) noexcept {
        auto size = compressor_.encode_into(x, id.number(), out);
        if (!size) return size;
        if (const auto got = compressor_.decode_into(out.first(*size), id.number(), seen_); !got)
            return got.error();
        return size;
    }
    /// C(x) of the last encode_into.
    [[nodiscard]] std::span<const float> seen() const noexcept { return seen_; }

  private:
    C compressor_;
    std::vector<float> seen_;
};

/// A worker that sends C(gradient) and remembers nothing.
template <compressor C>
class plain_worker {
  public:
    explicit plain_worker(C compressor) : compressor_(std::move(compressor)) {}
    [[nodiscard]] std::size_t max_encoded_size() const noexcept { return compressor_.max_encoded_size(); }
    result<std::size_t> send(std::span<const float> gradient, message_id id, byte_span out) noexcept {
        return compressor_.encode_into(gradient, id.number(), out);
    }

  private:
    C compressor_;
};

/// A server whose direction is the mean of the round's messages.
template <compressor C>
class averaging_server {
  public:
    averaging_server(C decoder, std::size_t workers)
        : decoder_(std::move(decoder)),
          part_(1 / static_cast<float>(workers)),
          decoded_(decoder_.size()),
          mean_(decoder_.size()) {
        PITH_ASSERT(workers >= 1);
    }

    [[nodiscard]] C& decoder() noexcept { return decoder_; }
    void begin(std::uint64_t) noexcept { std::fill(mean_.begin(), mean_.end(), 0.0F); }
    /// Errors: those of the decoder; the mean is then as before.
    result<void> receive(message_id id, byte_view in) noexcept {
        if (auto got = decoder_.decode_into(in, id.number(), decoded_); !got) return got;
        for (std::size_t i = 0; i < mean_.size(); ++i) mean_[i] += part_ * decoded_[i];
        return {};
    }
    [[nodiscard]] std::span<const float> direction() const noexcept { return mean_; }

  private:
    C decoder_;
    float part_;
    std::vector<float> decoded_;
    std::vector<float> mean_;
};

/// A server whose direction is the weighted sum of all messages ever received: they tell changes.
template <compressor C>
class accumulating_server {
  public:
    /// Equal weights 1 / workers.
    accumulating_server(C decoder, std::size_t workers)
        : accumulating_server(std::move(decoder),
                              std::vector<double>(workers, 1 / static_cast<double>(workers))) {}
    /// One weight a worker.
    accumulating_server(C decoder, std::vector<double> weights)
        : decoder_(std::move(decoder)),
          weights_(std::move(weights)),
          decoded_(decoder_.size()),
          sum_(decoder_.size()),
          direction_(decoder_.size()) {}

    void begin(std::uint64_t) noexcept {}
    /// Errors: those of the decoder; the sum is then as before. Precondition: id.worker has a weight.
    result<void> receive(message_id id, byte_view in) noexcept {
        PITH_ASSERT(id.worker < weights_.size());
        if (auto got = decoder_.decode_into(in, id.number(), decoded_); !got) return got;
        const double weight = weights_[id.worker];
        for (std::size_t i = 0; i < sum_.size(); ++i) {
            sum_[i] += weight * double{decoded_[i]};
            direction_[i] = static_cast<float>(sum_[i]);
        }
        return {};
    }
    [[nodiscard]] std::span<const float> direction() const noexcept { return direction_; }

  private:
    C decoder_;
    std::vector<double> weights_;
    std::vector<float> decoded_;
    std::vector<double> sum_;
    std::vector<float> direction_;
};

/// Compressed gradients, nothing more. Converges with an unbiased compressor and a step that goes to zero;
/// with a contractive one it need not converge at all.
template <compressor C>
struct naive {
    using worker = plain_worker<C>;
    using server = averaging_server<C>;
};

}  // namespace pith::inline v1::feedback

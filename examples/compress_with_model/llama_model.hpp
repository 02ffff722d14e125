// A Llama-architecture model in the format of llama2.c: the file, checked before memory is taken, and its
// weights.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/checksum.hpp>
#include <pith/core/exact.hpp>
#include <pith/core/exact_math.hpp>
#include <pith/core/result.hpp>

// What the header of a model says: seven 32-bit integers.
struct llama_shape {
    std::uint32_t width = 0, hidden = 0, layers = 0, heads = 0, kv_heads = 0, vocabulary = 0, context = 0;
    bool shared_classifier =
        true;  // vocabulary is stored negative when the classifier has weights of its own

    [[nodiscard]] std::uint32_t head_size() const { return width / heads; }
    [[nodiscard]] std::uint32_t kv_width() const { return head_size() * kv_heads; }
};

// The weights, all float32. Matrices are turned on loading: a column for each input stands together.
class llama_model {
  public:
    static constexpr std::size_t header_size = 28;

    // The header, checked, and against the file's size.
    static pith::result<llama_shape> check(pith::byte_view file) {
        pith::result<llama_shape> shape = read_shape(file);
        if (!shape) return shape;
        const std::uint64_t classifier =
            shape->shared_classifier ? 0 : std::uint64_t{shape->vocabulary} * shape->width;
        const std::uint64_t expected =
            header_size + 4 * (parts_size(*shape) + rotations_size(*shape) + classifier);
        if (file.size() < expected)
            return pith::error{pith::error_code::truncated, file.size(),
                               "the model ends before its weights do"};
        if (file.size() > expected)
            return pith::error{pith::error_code::trailing_data, expected, "bytes follow the model's weights"};
        return shape;
    }
    // Checks a file's size against its header before anything is copied. Throws std::bad_alloc.
    static pith::result<llama_model> load(pith::byte_view file) {
        const pith::result<llama_shape> shape = check(file);
        if (!shape) return shape.error();
        const std::uint64_t used = parts_size(*shape), unused = rotations_size(*shape);
        llama_model out;
        out.shape = *shape;
        const auto own = static_cast<std::size_t>(used);
        out.weights_.resize(own + std::size_t{shape->vocabulary} * shape->width);
        copy(file.subspan(header_size), std::span(out.weights_).first(own));
        copy(shape->shared_classifier
                 ? file.subspan(header_size)  // the embedding, once more
                 : file.subspan(static_cast<std::size_t>(header_size + 4 * (used + unused))),
             std::span(out.weights_).subspan(own));
        for (const float w : out.weights_)
            if (!(w >= -1e6F && w <= 1e6F))
                return pith::error{pith::error_code::bad_model, header_size,
                                   "a weight of the model is no number"};
        out.point_into_weights();
        out.turn_matrices();
        out.fingerprint = static_cast<std::uint32_t>(pith::xxh64_of(file));
        return out;
    }

    llama_shape shape;
    std::uint32_t fingerprint = 0;

    // The i-th run of `size` weights from place `from` on: a token's embedding, a layer's norm, or a matrix's
    // column of as many outputs.
    [[nodiscard]] std::span<const float> run(std::size_t from, std::size_t i, std::size_t size) const {
        return std::span<const float>(weights_).subspan(from + i * size, size);
    }
    // Places of the parts, of layer 0 where there is one for each layer.
    std::size_t embedding = 0, attention_norm = 0, query = 0, key = 0, value = 0, output = 0, hidden_norm = 0,
                gate = 0, down = 0, up = 0, final_norm = 0, classifier = 0;

  private:
    static pith::result<llama_shape> read_shape(pith::byte_view file) {
        pith::byte_reader reader(file);
        std::uint32_t field[7];
        for (std::uint32_t& f : field) {
            const auto v = reader.read_le<std::uint32_t>();
            if (!v)
                return pith::error{pith::error_code::truncated, file.size(), "the model ends in its header"};
            f = *v;
        }
        llama_shape s{field[0], field[1], field[2], field[3], field[4], field[5], field[6], true};
        if (s.vocabulary >> 31 != 0) {
            s.shared_classifier = false;
            s.vocabulary = 0 - s.vocabulary;
        }
        const auto within = [](std::uint32_t v, std::uint32_t most) { return v >= 1 && v <= most; };
        const bool sizes = within(s.width, 1 << 16) && within(s.hidden, 1 << 18) &&
                           within(s.layers, 1 << 10) && within(s.heads, 1 << 10) &&
                           within(s.kv_heads, s.heads) && within(s.vocabulary, 1 << 20) &&
                           within(s.context, 1 << 20);
        if (!sizes || s.context < 4 || s.vocabulary < 4 || s.width % s.heads != 0 ||
            s.heads % s.kv_heads != 0 || s.head_size() % 2 != 0)
            return pith::error{pith::error_code::bad_header, 0, "this is no model in the format of llama2.c"};
        return s;
    }
    // Floats of all parts but the rotation tables and an own classifier; below 2^60.
    static std::uint64_t parts_size(const llama_shape& s) {
        const std::uint64_t width = s.width;
        const std::uint64_t layer =
            2 * width + 2 * width * width + 2 * width * s.kv_width() + 3 * width * s.hidden;
        return s.vocabulary * width + s.layers * layer + width;
    }
    // Floats of tables that the format keeps from its first version.
    static std::uint64_t rotations_size(const llama_shape& s) {
        return std::uint64_t{s.context} * s.head_size();
    }
    static void copy(pith::byte_view from, std::span<float> to) {
        for (std::size_t i = 0; i < to.size(); ++i)  // from.size() >= 4 to.size()
            to[i] = std::bit_cast<float>(pith::load_le<std::uint32_t>(from.data() + 4 * i));
    }
    void point_into_weights() {
        const std::size_t width = shape.width, layers = shape.layers, kv = shape.kv_width(),
                          hidden = shape.hidden;
        attention_norm = shape.vocabulary * width;
        query = attention_norm + layers * width;
        key = query + layers * width * width;
        value = key + layers * kv * width;
        output = value + layers * kv * width;
        hidden_norm = output + layers * width * width;
        gate = hidden_norm + layers * width;
        down = gate + layers * hidden * width;
        up = down + layers * hidden * width;
        final_norm = up + layers * hidden * width;
        classifier = final_norm + width;
    }
    void turn_matrices() {
        const std::size_t width = shape.width, kv = shape.kv_width(), hidden = shape.hidden;
        for (std::size_t l = 0; l < shape.layers; ++l) {
            for (const std::size_t at : {query, output}) turn(at + l * width * width, width, width);
            for (const std::size_t at : {key, value}) turn(at + l * kv * width, kv, width);
            for (const std::size_t at : {gate, up}) turn(at + l * hidden * width, hidden, width);
            turn(down + l * width * hidden, width, hidden);
        }
        turn(classifier, shape.vocabulary, width);
    }
    void turn(std::size_t from, std::size_t rows, std::size_t columns) {
        const std::span<float> matrix = std::span(weights_).subspan(from, rows * columns);
        const std::vector<float> before(matrix.begin(), matrix.end());
        for (std::size_t r = 0; r < rows; ++r)
            for (std::size_t c = 0; c < columns; ++c) matrix[c * rows + r] = before[r * columns + c];
    }

    std::vector<float> weights_;
};

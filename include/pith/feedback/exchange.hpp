// Workers and a server in one process: a round of messages through buffers, counted in bytes.
// For tests, benchmarks and simulations of federated learning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>
#include <pith/core/view.hpp>
#include <pith/feedback/concepts.hpp>

namespace pith::inline v1::feedback {

/// Runs a scheme: each call of `round` takes one gradient a worker and gives the direction. Nothing passes
/// from worker to server but the bytes that are counted.
template <scheme Scheme>
class exchange {
  public:
    using worker_type = typename Scheme::worker;
    using server_type = typename Scheme::server;

    exchange(std::vector<worker_type> workers, server_type server)
        : workers_(std::move(workers)), server_(std::move(server)) {
        std::size_t room = 0;
        for (const worker_type& worker : workers_)
            room = room < worker.max_encoded_size() ? worker.max_encoded_size() : room;
        if constexpr (answering_server<server_type>)
            room = room < server_.max_encoded_size() ? server_.max_encoded_size() : room;
        buffer_.resize(room);
    }

    /// Row w of `gradients` is worker w's. The direction stays valid until the next round. Errors: those of
    /// the encoders (a gradient that is not finite); the round is then to be thought away with the object.
    result<std::span<const float>> round(view_2d<const float> gradients) noexcept {
        PITH_ASSERT(gradients.rows() == workers_.size());
        server_.begin(step_);
        for (std::size_t w = 0; w < workers_.size(); ++w) {
            const message_id id{step_, static_cast<std::uint32_t>(w)};
            const auto size = workers_[w].send(gradients.row(w).as_span(), id, buffer_);
            if (!size) return size.error();
            if (const auto got = server_.receive(id, byte_view(buffer_).first(*size)); !got)
                return got.error();
            bytes_up_ += *size;
        }
        if constexpr (answering_server<server_type>)
            if (const auto told = answer(); !told) return told.error();
        ++step_;
        return server_.direction();
    }

    [[nodiscard]] std::uint64_t steps() const noexcept { return step_; }
    /// Bytes that all workers have sent.
    [[nodiscard]] std::uint64_t bytes_up() const noexcept { return bytes_up_; }
    /// Bytes that an answering server has sent, counted once for each worker. Others announce the model,
    /// which is not counted.
    [[nodiscard]] std::uint64_t bytes_down() const noexcept { return bytes_down_; }
    [[nodiscard]] std::span<const worker_type> workers() const noexcept { return workers_; }
    [[nodiscard]] const server_type& server() const noexcept { return server_; }

  private:
    result<void> answer() noexcept requires answering_server<server_type> {
        const message_id id{step_, static_cast<std::uint32_t>(workers_.size())};
        const auto size = server_.answer(id, buffer_);
        if (!size) return size.error();
        for (worker_type& worker : workers_)
            if (auto got = worker.receive(id, byte_view(buffer_).first(*size)); !got) return got;
        bytes_down_ += *size * workers_.size();
        return {};
    }

    std::vector<worker_type> workers_;
    server_type server_;
    std::vector<std::uint8_t> buffer_;
    std::uint64_t step_ = 0;
    std::uint64_t bytes_up_ = 0;
    std::uint64_t bytes_down_ = 0;
};

}  // namespace pith::inline v1::feedback

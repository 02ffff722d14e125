// One TCP connection over the loopback interface: all or nothing of a run of bytes, at a limited rate if
// wanted.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include <pith/core/bytes.hpp>

namespace transfer {

/// Seconds of a clock that only goes forward.
inline double now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}
inline void sleep_until(double when) {
    for (double left = when - now(); left > 0; left = when - now()) {
        timespec t{};
        t.tv_sec = static_cast<time_t>(left);
        t.tv_nsec = static_cast<long>((left - static_cast<double>(t.tv_sec)) * 1e9);
        nanosleep(&t, nullptr);
    }
}

class descriptor {
  public:
    descriptor() = default;
    explicit descriptor(int fd) : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~descriptor() {
        if (fd_ >= 0) close(fd_);
    }
    [[nodiscard]] int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// Waits for one connection on 127.0.0.1. `port` 0 takes a free one and says which.
class listener {
  public:
    /// errno when it fails.
    [[nodiscard]] int open(std::uint16_t& port) {
        socket_ = descriptor(socket(AF_INET, SOCK_STREAM, 0));
        if (!socket_) return errno;
        const int yes = 1;
        setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        sockaddr_in address = loopback(port);
        socklen_t size = sizeof address;
        if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
            listen(socket_.get(), 1) != 0 ||
            getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
            return errno;
        port = ntohs(address.sin_port);
        return 0;
    }
    [[nodiscard]] descriptor accept_one() const {
        int fd = -1;
        do fd = accept(socket_.get(), nullptr, nullptr);
        while (fd < 0 && errno == EINTR);
        return descriptor(fd);
    }

  private:
    descriptor socket_;
};

/// Not open, with errno set, when it fails.
inline descriptor connect_to(std::uint16_t port) {
    descriptor out(socket(AF_INET, SOCK_STREAM, 0));
    const sockaddr_in address = loopback(port);
    if (!out || connect(out.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return {};
    return out;
}

/// Sends, at `rate` bytes a second unless that is 0. The pace is counted from the first byte on.
class paced_sender {
  public:
    paced_sender(int fd, double rate) : fd_(fd), rate_(rate), began_(now()) {}

    /// False when the other side is gone.
    [[nodiscard]] bool send_all(pith::byte_view bytes) {
        constexpr std::size_t slice = 2048;
        for (std::size_t at = 0; at < bytes.size();) {
            const std::size_t n = std::min(slice, bytes.size() - at);
            const ssize_t sent = ::send(fd_, bytes.data() + at, n, MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) continue;
            if (sent <= 0) return false;
            at += static_cast<std::size_t>(sent);
            sent_ += static_cast<std::uint64_t>(sent);
            if (rate_ > 0) sleep_until(began_ + static_cast<double>(sent_) / rate_);
        }
        return true;
    }
    [[nodiscard]] double elapsed() const { return now() - began_; }
    [[nodiscard]] std::uint64_t sent() const { return sent_; }

  private:
    int fd_;
    double rate_, began_;
    std::uint64_t sent_ = 0;
};

/// Fills `out`; false when the connection ends first.
[[nodiscard]] inline bool receive_all(int fd, pith::byte_span out) {
    for (std::size_t at = 0; at < out.size();) {
        const ssize_t got = recv(fd, out.data() + at, out.size() - at, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        at += static_cast<std::size_t>(got);
    }
    return true;
}

}  // namespace transfer

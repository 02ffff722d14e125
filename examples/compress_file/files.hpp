// Files of the compressing examples: reading, writing that never leaves half a file or harms an existing one,
// and the line that says what went wrong.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <pith/core/bytes.hpp>
#include <pith/core/result.hpp>

/// A source of bytes; `failure` keeps the errno of a failed call.
class input_file {
  public:
    int failure = 0;
    struct stat about {};

    ~input_file() { ::close(fd_); }
    /// Opens a path, or the standard input for "-". False with `failure` set.
    bool open(const std::string& path) {
        fd_ = path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd_ < 0 || ::fstat(fd_, &about) != 0) return failure = errno, false;
        if (S_ISDIR(about.st_mode)) return failure = EISDIR, false;
        return true;
    }
    [[nodiscard]] bool is_regular() const { return S_ISREG(about.st_mode); }
    [[nodiscard]] bool is_terminal() const { return ::isatty(fd_) != 0; }
    [[nodiscard]] int descriptor() const { return fd_; }

    pith::result<std::size_t> read(pith::byte_span out) {
        std::size_t done = 0;
        while (done < out.size()) {
            const ssize_t n = ::read(fd_, out.data() + done, out.size() - done);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0)
                return failure = errno, pith::error{pith::error_code::source_failed, done, "cannot read"};
            if (n == 0) break;
            done += static_cast<std::size_t>(n);
        }
        return done;
    }

  private:
    int fd_ = -1;
};

/// The whole of an input at once: mapped where that is possible, else read.
class whole_input {
  public:
    ~whole_input() {
        if (map_ != MAP_FAILED) ::munmap(map_, view_.size());
    }
    bool load(input_file& in) {
        if (in.is_regular() && in.about.st_size > 0) {
            const auto size = static_cast<std::size_t>(in.about.st_size);
            map_ = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, in.descriptor(), 0);
            if (map_ == MAP_FAILED) return in.failure = errno, false;
            view_ = {static_cast<const std::uint8_t*>(map_), size};
            return true;
        }
        for (std::size_t got = 0;;) {
            held_.resize(got + (std::size_t{1} << 16));
            const auto n = in.read(pith::byte_span(held_).subspan(got));
            if (!n) return false;
            got += *n;
            if (got < held_.size()) return view_ = pith::byte_view(held_).first(got), true;
        }
    }
    [[nodiscard]] pith::byte_view view() const { return view_; }

  private:
    void* map_ = MAP_FAILED;
    std::vector<std::uint8_t> held_;
    pith::byte_view view_;
};

// What a signal must remove: the one temporary file. Empty when there is none.
inline char temporary_path[PATH_MAX] = "";

extern "C" inline void remove_temporary(int signal_number) {
    if (temporary_path[0] != '\0') ::unlink(temporary_path);
    std::signal(signal_number, SIG_DFL);
    ::raise(signal_number);
}

/// Signals that end the program remove the temporary file first; what was ignored, as under nohup, stays so.
/// A file that grows too large is an error like a full disk.
inline void remove_temporary_on_signals() {
    for (const int number : {SIGINT, SIGTERM, SIGHUP})
        if (std::signal(number, remove_temporary) == SIG_IGN) std::signal(number, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
}

/// One line on stderr for what went wrong; gives the exit status.
struct failure_line {
    const char* program;

    int operator()(const std::string& where, const std::string& what, int status = 1) const {
        std::fprintf(stderr, "%s: %s: %s\n", program, where.c_str(), what.c_str());
        return status;
    }
    int operator()(const std::string& where, const pith::error& e) const {
        return (*this)(where, std::string(e.text) + " (" + pith::name_of(e.code) + " at byte " +
                                  std::to_string(e.offset) + ")");
    }
};

/// An output of bytes. A regular file is written under a temporary name beside its place and moved there by
/// `commit`; without that nothing is left. Devices and pipes are written as they are.
class output_file {
  public:
    int failure = 0;

    output_file() = default;
    output_file(const output_file&) = delete;
    output_file& operator=(const output_file&) = delete;
    ~output_file() {
        if (fd_ >= 0) ::close(fd_);
        forget(true);
    }
    /// Opens a path, or the standard output for "-". False with `failure` set: EEXIST when the file exists
    /// and must not be replaced.
    bool open(const std::string& path, bool replace) {
        path_ = path;
        replace_ = replace;
        struct stat there {};
        if (path == "-") return keep(::dup(STDOUT_FILENO));
        if (::stat(path.c_str(), &there) == 0) {
            if (S_ISDIR(there.st_mode)) return failure = EISDIR, false;
            if (!S_ISREG(there.st_mode)) return keep(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
            if (!replace) return failure = EEXIST, false;
            if (::access(path.c_str(), W_OK) != 0) return failure = errno, false;
            char real[PATH_MAX];  // what a link points to is replaced, not the link
            if (::realpath(path.c_str(), real) != nullptr) path_ = real;
        }
        return open_temporary();
    }
    [[nodiscard]] bool is_terminal() const { return ::isatty(fd_) != 0; }

    pith::result<void> write(pith::byte_view v) {
        while (!v.empty()) {
            const ssize_t n = ::write(fd_, v.data(), v.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return failure = errno, pith::error{pith::error_code::sink_failed, 0, "cannot write"};
            v = v.subspan(static_cast<std::size_t>(n));
        }
        return {};
    }
    /// Makes the file appear, with the permissions and times of the input if that is a file.
    bool commit(const input_file& in) {
        const bool is_file = temporary_path[0] != '\0';
        if (is_file) {
            const mode_t mask = ::umask(0);
            ::umask(mask);
            ::fchmod(fd_, in.is_regular() ? in.about.st_mode & 0777 : 0666 & ~mask);
            const timespec times[2] = {in.about.st_atim, in.about.st_mtim};
            if (in.is_regular()) ::futimens(fd_, times);
            if (::fsync(fd_) != 0) return failure = errno, false;
        }
        const int closed = ::close(fd_);
        fd_ = -1;
        if (closed != 0) return failure = errno, false;
        return !is_file || move_into_place();
    }

  private:
    bool keep(int fd) { return fd_ = fd, failure = errno, fd >= 0; }
    [[nodiscard]] std::string folder() const {
        const std::size_t slash = path_.rfind('/');
        return slash == std::string::npos ? "." : slash == 0 ? "/" : path_.substr(0, slash);
    }
    bool open_temporary() {
        const std::string name = folder() + "/.pith-XXXXXX";
        if (name.size() >= sizeof(temporary_path)) return failure = ENAMETOOLONG, false;
        sigset_t signals, before;
        sigemptyset(&signals);
        for (const int s : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, s);
        sigprocmask(SIG_BLOCK, &signals, &before);  // no signal between creating the file and noting its name
        char made[PATH_MAX];
        std::memcpy(made, name.c_str(), name.size() + 1);
        keep(::mkostemp(made, O_CLOEXEC));
        if (fd_ >= 0) std::memcpy(temporary_path, made, name.size() + 1);
        sigprocmask(SIG_SETMASK, &before, nullptr);
        return fd_ >= 0;
    }
    bool move_into_place() {
        // link refuses to replace a file that has appeared meanwhile; not all file systems have it.
        if (!replace_ && ::link(temporary_path, path_.c_str()) == 0) {
            forget(true);
        } else if (!replace_ && errno == EEXIST) {
            return failure = EEXIST, false;
        } else if (::rename(temporary_path, path_.c_str()) == 0) {
            forget(false);
        } else {
            return failure = errno, false;
        }
        const int directory = ::open(folder().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory >= 0) ::fsync(directory), ::close(directory);
        return true;
    }
    static void forget(bool and_remove) {
        if (and_remove && temporary_path[0] != '\0') ::unlink(temporary_path);
        temporary_path[0] = '\0';
    }

    int fd_ = -1;
    bool replace_ = false;
    std::string path_;
};

// Work done in a process of its own, so that its processor time and peak memory are its own.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

/// What a child process used. Peak memory of a child that is not another program includes the few MB that
/// this process had when it was forked.
struct child_usage {
    bool good = false;      ///< ended by itself with status 0
    double seconds = 0;     ///< user and system time, of its own children too
    double peak_bytes = 0;  ///< largest resident set
};

inline double seconds_of(const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
}

/// Runs `work` in a child that reads `in` and writes `out` (empty: nothing) and waits for it. What `work`
/// returns is the child's exit status.
inline child_usage run_in_child(const std::function<int()>& work, const std::string& out = {},
                                const std::string& in = {}) {
    const pid_t child = fork();
    if (child < 0) return {};
    if (child == 0) {
        const int nowhere = open("/dev/null", O_RDWR);
        const int to = out.empty() ? nowhere : open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        const int from = in.empty() ? nowhere : open(in.c_str(), O_RDONLY);
        if (nowhere < 0 || to < 0 || from < 0) _exit(126);
        dup2(from, 0);
        dup2(to, 1);
        dup2(nowhere, 2);
        _exit(work());
    }
    int status = 0;
    rusage used{};
    while (wait4(child, &status, 0, &used) < 0)
        if (errno != EINTR) return {};
    return {WIFEXITED(status) && WEXITSTATUS(status) == 0,
            seconds_of(used.ru_utime) + seconds_of(used.ru_stime),
            1024.0 * static_cast<double>(used.ru_maxrss)};
}

/// Becomes another program; comes back, with a status, only if there is none of that name.
inline int become(std::vector<std::string> words) {
    std::vector<char*> raw;
    for (std::string& word : words) raw.push_back(word.data());
    raw.push_back(nullptr);
    execvp(raw[0], raw.data());
    return 127;
}

}  // namespace bench

// kv_transfer: one process prefills a prompt and sends its key-value cache, another one goes on with the
// text.
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "compress_file/files.hpp"
#include "kv_transfer/receiver.hpp"
#include "kv_transfer/sender.hpp"

namespace {

constexpr const char* usage =
    "usage: kv_transfer MODEL TEXT [options]            both sides, as two processes\n"
    "       kv_transfer send MODEL TEXT [options]       waits on 127.0.0.1 for a receiver\n"
    "       kv_transfer receive MODEL TEXT --port N     connects to a sender\n"
    "The first half of TEXT calibrates both sides alike, the prompt is cut from the second.\n"
    "  --rate N         bytes a second that the link takes; 0 (default): as many as it does\n"
    "  --deadline S     seconds in which the cache should be there (2); levels are chosen for it\n"
    "  --level N        1 (coarse) to 4 (fine) for all chunks, instead of choosing\n"
    "  --chunk N        tokens a chunk (64)\n"
    "  --prompt N       tokens whose cache is sent (three quarters of the context, or what generating "
    "leaves)\n"
    "  --generate N     tokens that the receiver goes on with (48)\n"
    "  --bits N         of the codes that the receiver's attention reads: 4 or 8 (8), or 32 for floats\n"
    "  --port N         of the sender; 0 (default) takes a free one\n"
    "  --lose N         the sender stops in the middle of chunk N, to see what happens\n"
    "  --vocabulary F   of a llama2.c model; otherwise tok<size>.bin beside it\n";

constexpr failure_line fail{"kv_transfer"};

bool read_number(const std::string& text, double most, double& out) {
    char* end = nullptr;
    out = std::strtod(text.c_str(), &end);
    return !text.empty() && text[0] >= '0' && text[0] <= '9' && *end == 0 && out <= most;
}
// Exit status, or -1 to go on.
int option(const std::string& word, const std::string& value, transfer::settings& s) {
    if (word == "--vocabulary") return s.vocabulary = value, -1;
    double number = 0;
    if (!read_number(value, 1e12, number)) return fail(word, value + " is no number", 2);
    if (word == "--rate") return s.rate = number, -1;
    if (word == "--deadline") return s.deadline = number, -1;
    struct {
        const char* name;
        std::size_t* to;
        double least, most;
    } const whole[] = {{"--level", &s.level, 1, static_cast<double>(transfer::steps.size())},
                       {"--chunk", &s.chunk, 1, 4096},
                       {"--prompt", &s.prompt, 1, 1 << 24},
                       {"--generate", &s.generate, 1, 1 << 24},
                       {"--bits", &s.bits, 4, 32},
                       {"--port", &s.port, 0, 65535},
                       {"--lose", &s.lose, 1, 1 << 24}};
    for (const auto& one : whole)
        if (word == one.name) {
            *one.to = static_cast<std::size_t>(number);
            if (number != static_cast<double>(*one.to) || number < one.least || number > one.most ||
                (one.to == &s.bits && number != 4 && number != 8 && number != 32))
                return fail(word, value + " is out of range", 2);
            return -1;
        }
    return fail(word, "no such option", 2);
}
int parse(int count, char** words, transfer::settings& s) {
    std::vector<std::string> files;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        if (word == "--help" || word == "-h") return std::fputs(usage, stdout), 0;
        if (word.empty() || word[0] != '-') {
            files.push_back(word);
            continue;
        }
        if (i + 1 == count) return fail(word, "an option without its value", 2);
        if (const int status = option(word, words[++i], s); status >= 0) return status;
    }
    if (files.size() == 3 && (files[0] == "send" || files[0] == "receive")) {
        s.mode = files[0];
        files.erase(files.begin());
    }
    if (files.size() != 2) return std::fputs(usage, stderr), 2;
    s.model = files[0];
    s.text = files[1];
    return -1;
}

int receive(const transfer::settings& s, const transfer::subject& of) {
    const transfer::descriptor link = transfer::connect_to(static_cast<std::uint16_t>(s.port));
    if (!link) return fail("port " + std::to_string(s.port), std::strerror(errno));
    return transfer::go_on(of, s, link, fail);
}
int send(const transfer::settings& s, const transfer::subject& of, const transfer::listener& from) {
    const transfer::descriptor link = from.accept_one();
    if (!link) return fail("sender", std::strerror(errno));
    return transfer::send_cache(of, s, link, fail);
}
// The receiver in a child process.
int both(transfer::settings s, const transfer::subject& of, const transfer::listener& from) {
    const pid_t child = fork();
    if (child < 0) return fail("fork", std::strerror(errno));
    if (child == 0) {
        const int status = receive(s, of);
        std::fflush(stdout);
        _exit(status);
    }
    const int sent = send(s, of, from);
    std::fflush(stdout);
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return fail("receiver", "it did not end by itself");
    return sent != 0 ? sent : WEXITSTATUS(status);
}

}  // namespace

int main(int count, char** words) {
    transfer::settings s;
    if (const int status = parse(count, words, s); status >= 0) return status;
    transfer::subject of;
    if (const lm::complaint wrong = transfer::prepare(s, of); !wrong.empty()) {
        std::fprintf(stderr, "kv_transfer: %s\n", wrong.c_str());
        return 1;
    }
    if (s.mode == "receive") return receive(s, of);
    transfer::listener from;
    auto port = static_cast<std::uint16_t>(s.port);
    if (const int failed = from.open(port); failed != 0)
        return fail("port " + std::to_string(port), std::strerror(failed));
    s.port = port;
    if (s.mode == "send") {
        std::printf("waiting on 127.0.0.1 port %u\n", unsigned{port});
        std::fflush(stdout);
        return send(s, of, from);
    }
    return both(s, of, from);
}

// Parallel work as a policy: `serial` or `threads{n}`, a loop over indexes and an ordered pipeline.
// What they compute never depends on the number of threads; only this header knows of threads at all.
#pragma once

#include <atomic>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <pith/core/assert.hpp>

namespace pith::inline v1 {

/// All work on the calling thread.
struct serial {
    [[nodiscard]] static constexpr std::size_t workers() noexcept { return 1; }
    template <class Help, class Main>
    static void run_beside(std::size_t, Help&&, Main&& main) {
        main(std::size_t{0});
    }
};

/// Work on `count` threads; 0 means as many as the machine has.
struct threads {
    std::size_t count = 0;

    [[nodiscard]] std::size_t workers() const noexcept {
        const std::size_t machine = std::thread::hardware_concurrency();
        return count != 0 ? count : machine != 0 ? machine : 1;
    }
    /// Runs help(k) for k in [0, helpers) on threads of their own and main(started) on the calling one;
    /// returns when all have. `started` < helpers when the system grants no more threads.
    template <class Help, class Main>
    static void run_beside(std::size_t helpers, Help&& help, Main&& main) {
        struct crew {
            std::vector<std::thread> members;
            ~crew() {
                for (std::thread& t : members) t.join();
            }
        } hired;
        hired.members.reserve(helpers);
        for (std::size_t k = 0; k < helpers; ++k)
            if (!hire(hired.members, help, k)) break;
        main(hired.members.size());
    }

  private:
    template <class Help>
    static bool hire(std::vector<std::thread>& members, Help& help, std::size_t k) {
#if defined(__cpp_exceptions)
        try {
            members.emplace_back([&help, k] { help(k); });
        } catch (const std::system_error&) {
            return false;
        }
#else
        members.emplace_back([&help, k] { help(k); });
#endif
        return true;
    }
};

/// Where work runs: `serial`, `threads`, or a program's own pool.
///   std::size_t workers() const;                     // >= 1
///   void run_beside(helpers, help, main) const;      // see threads::run_beside; `help` never throws
template <class P>
concept parallel_policy = requires(const P p, void (*step)(std::size_t)) {
    { p.workers() } -> std::same_as<std::size_t>;
    {p.run_beside(std::size_t{}, step, step)};
};

/// Calls f(index, worker) once for every index in [0, n), in any order and on up to policy.workers() threads;
/// worker < policy.workers() tells calls apart that may run at the same time. f must not throw.
template <parallel_policy Policy, class F>
void for_each_index(const Policy& policy, std::size_t n, F&& f) {
    const std::size_t workers = policy.workers() < n ? policy.workers() : n;
    std::atomic<std::size_t> next{0};
    const auto loop = [&](std::size_t worker) {
        for (std::size_t i = next.fetch_add(1); i < n; i = next.fetch_add(1)) f(i, worker);
    };
    if (workers > 1) {
        policy.run_beside(
            workers - 1, [&](std::size_t k) { loop(k + 1); }, [&](std::size_t) { loop(0); });
    } else {
        loop(0);
    }
}

namespace detail {

// The state of one ordered pipeline: items 0, 1, 2, … pass through a ring of slots. consumed <= taken <=
// produced
// <= consumed + slots, so a slot is never used by two items at once.
template <class Slot>
class pipeline_ring {
  public:
    explicit pipeline_ring(std::span<Slot> slots) : slots_(slots), done_(slots.size(), 0) {}

    // One helper: works on items as they come until there are no more.
    template <class Work>
    void help(Work& work, std::size_t worker) {
        std::unique_lock lock(mutex_);
        for (;;) {
            item_ready_.wait(lock, [&] { return stopped_ || taken_ < produced_; });
            if (stopped_) return;
            const std::size_t at = taken_++ % slots_.size();
            lock.unlock();
            work(slots_[at], worker);
            lock.lock();
            done_[at] = 1;
            item_done_.notify_one();
        }
    }
    // The calling thread: brings items in and out, in order.
    template <class Produce, class Consume>
    void drive(Produce& produce, Consume& consume) {
        const stopper stop{this};  // also when produce or consume throws
        std::unique_lock lock(mutex_);
        for (bool ended = false; !ended || consumed_ < produced_;) {
            const std::size_t head = consumed_ % slots_.size();
            if (consumed_ < produced_ && done_[head] != 0) {
                lock.unlock();
                if (!consume(slots_[head])) return;
                lock.lock();
                done_[head] = 0;
                ++consumed_;
            } else if (!ended && produced_ - consumed_ < slots_.size()) {
                lock.unlock();
                const bool more = produce(slots_[produced_ % slots_.size()]);
                lock.lock();
                produced_ += more ? 1 : 0;
                ended = !more;
                if (more) item_ready_.notify_one();
            } else {
                item_done_.wait(lock, [&] { return done_[head] != 0; });
            }
        }
    }

  private:
    struct stopper {
        pipeline_ring* ring;
        ~stopper() {
            const std::scoped_lock lock(ring->mutex_);
            ring->stopped_ = true;
            ring->item_ready_.notify_all();
        }
    };

    std::span<Slot> slots_;
    std::mutex mutex_;
    std::condition_variable item_ready_, item_done_;
    std::vector<std::uint8_t> done_;
    std::size_t produced_ = 0, taken_ = 0, consumed_ = 0;
    bool stopped_ = false;
};

}  // namespace detail

/// Items in order through produce(slot), work(slot, worker), consume(slot): produce and consume run on the
/// calling thread, in the order of the items; work runs beside it on up to min(policy.workers(), slots.size()
/// - 1) threads, at least one (worker tells them apart), and must not throw. Ends when produce returns false
/// (its slot is then not used) and all is consumed, or as soon as consume returns false. At most slots.size()
/// items are in flight, so memory is bounded; there must be a slot.
template <parallel_policy Policy, class Slot, class Produce, class Work, class Consume>
void ordered_pipeline(const Policy& policy, std::span<Slot> slots, Produce&& produce, Work&& work,
                      Consume&& consume) {
    PITH_ASSERT(!slots.empty());
    const auto one_by_one = [&] {
        while (produce(slots[0])) {
            work(slots[0], std::size_t{0});
            if (!consume(slots[0])) return;
        }
    };
    if constexpr (std::same_as<Policy, serial>) {
        one_by_one();
    } else {
        detail::pipeline_ring<Slot> ring(slots);
        const std::size_t useful = slots.size() > 1 ? slots.size() - 1 : 1;
        policy.run_beside(
            policy.workers() < useful ? policy.workers() : useful,
            [&](std::size_t worker) { ring.help(work, worker); },
            [&](std::size_t started) { started == 0 ? one_by_one() : ring.drive(produce, consume); });
    }
}

}  // namespace pith::inline v1

// Parallel work: `threads{n}` as a policy, and pools of a program's own.
// Only this header knows of threads; what is computed never depends on their number (core/serial.hpp).
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
#include <vector>

#include <pith/core/serial.hpp>

namespace pith::inline v1 {

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

// The loop and the pipeline on anything that offers run_beside (see threads).
template <class Crew, class F>
void for_each_index_on(const Crew& crew, std::size_t n, F& f) {
    const std::size_t workers = crew.workers() < n ? crew.workers() : n;
    std::atomic<std::size_t> next{0};
    const auto loop = [&](std::size_t worker) {
        for (std::size_t i = next.fetch_add(1); i < n; i = next.fetch_add(1)) f(i, worker);
    };
    if (workers <= 1) return loop(0);
    crew.run_beside(
        workers - 1, [&](std::size_t k) { loop(k + 1); }, [&](std::size_t) { loop(0); });
}

template <class Crew, class Slot, class Produce, class Work, class Consume>
void pipeline_on(const Crew& crew, std::span<Slot> slots, Produce& produce, Work& work, Consume& consume) {
    pipeline_ring<Slot> ring(slots);
    const std::size_t useful = slots.size() > 1 ? slots.size() - 1 : 1;
    crew.run_beside(
        crew.workers() < useful ? crew.workers() : useful,
        [&](std::size_t worker) { ring.help(work, worker); },
        [&](std::size_t started) {
            started == 0 ? serial::pipeline(slots, produce, work, consume) : ring.drive(produce, consume);
        });
}

}  // namespace detail

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
    template <class F>
    void for_each_index(std::size_t n, F&& f) const {
        detail::for_each_index_on(*this, n, f);
    }
    template <class Slot, class Produce, class Work, class Consume>
    void pipeline(std::span<Slot> slots, Produce&& produce, Work&& work, Consume&& consume) const {
        detail::pipeline_on(*this, slots, produce, work, consume);
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

/// Work on a program's own pool, which offers
///   std::size_t workers() const;                     // >= 1
///   void run_beside(helpers, help, main) const;      // as threads::run_beside; it may start fewer, even
///   none
template <class Crew>
struct on_crew {
    const Crew* crew;

    [[nodiscard]] std::size_t workers() const noexcept { return crew->workers(); }
    template <class F>
    void for_each_index(std::size_t n, F&& f) const {
        detail::for_each_index_on(*crew, n, f);
    }
    template <class Slot, class Produce, class Work, class Consume>
    void pipeline(std::span<Slot> slots, Produce&& produce, Work&& work, Consume&& consume) const {
        detail::pipeline_on(*crew, slots, produce, work, consume);
    }
};

}  // namespace pith::inline v1

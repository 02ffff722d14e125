// Where work runs, as a policy: the concept, the loop and the pipeline that take it, and `serial`.
// Threads are in core/parallel.hpp, so that who does not use them does not pay for their headers.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>

#include <pith/core/assert.hpp>

namespace pith::inline v1 {

/// Where work runs: `serial`, `threads` (core/parallel.hpp) or a program's own pool (`on_crew` there). What
/// is computed never depends on it.
///   std::size_t workers() const;                                   // >= 1
///   void for_each_index(n, f) const;                               // see for_each_index
///   void pipeline(slots, produce, work, consume) const;            // see ordered_pipeline
template <class P>
concept parallel_policy = requires(const P p, std::span<int> slots, bool (*in_order)(int&),
                                   void (*work)(int&, std::size_t), void (*visit)(std::size_t, std::size_t)) {
    { p.workers() } -> std::same_as<std::size_t>;
    {p.for_each_index(std::size_t{}, visit)};
    {p.pipeline(slots, in_order, work, in_order)};
};

/// All work on the calling thread.
struct serial {
    [[nodiscard]] static constexpr std::size_t workers() noexcept { return 1; }
    template <class F>
    static void for_each_index(std::size_t n, F&& f) {
        for (std::size_t i = 0; i < n; ++i) f(i, std::size_t{0});
    }
    template <class Slot, class Produce, class Work, class Consume>
    static void pipeline(std::span<Slot> slots, Produce&& produce, Work&& work, Consume&& consume) {
        while (produce(slots[0])) {
            work(slots[0], std::size_t{0});
            if (!consume(slots[0])) return;
        }
    }
};

/// Calls f(index, worker) once for every index in [0, n), in any order and on up to policy.workers() threads;
/// worker < policy.workers() tells calls apart that may run at the same time. f must not throw.
template <parallel_policy Policy, class F>
void for_each_index(const Policy& policy, std::size_t n, F&& f) {
    policy.for_each_index(n, f);
}

/// Items in order through produce(slot), work(slot, worker), consume(slot): produce and consume run on the
/// calling thread, in the order of the items; work runs beside it on up to min(policy.workers(), slots.size()
/// - 1) threads, at least one (worker tells them apart), and must not throw. Ends when produce returns false
/// (its slot is then not used) and all is consumed, or as soon as consume returns false. At most slots.size()
/// items are in flight, so memory is bounded; there must be a slot.
template <parallel_policy Policy, class Slot, class Produce, class Work, class Consume>
void ordered_pipeline(const Policy& policy, std::span<Slot> slots, Produce&& produce, Work&& work,
                      Consume&& consume) {
    PITH_ASSERT(!slots.empty());
    policy.pipeline(slots, produce, work, consume);
}

}  // namespace pith::inline v1

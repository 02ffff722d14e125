// Progress of long operations: a callback policy that is told how far the work is and may stop it.
#pragma once

#include <concepts>
#include <cstdint>

namespace pith::inline v1 {

/// How far the work is, in units that the operation states (most often bytes).
struct progress_report {
    static constexpr std::uint64_t unknown = ~std::uint64_t{0};
    std::uint64_t done = 0;
    std::uint64_t total = unknown;

    [[nodiscard]] constexpr bool total_known() const noexcept { return total != unknown; }
};

/// Called on the thread that started the operation, with `done` never falling; false asks it to stop, and it
/// then gives the error `cancelled`.
template <class P>
concept progress_callback = requires(P& p, progress_report report) {
    { p(report) } -> std::same_as<bool>;
};

/// Reports to nobody and never stops; the compiler removes it.
struct no_progress {
    constexpr bool operator()(progress_report) const noexcept { return true; }
};

}  // namespace pith::inline v1

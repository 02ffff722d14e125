// Instruction sets as types, and the one that this translation unit is compiled for.
// Every kernel is a template on such a type: its name differs per instruction set, so that translation units
// compiled with different flags may be linked into one program. Costs nothing to include.
#pragma once

#include <concepts>
#include <cstddef>

// Where no vector unit is known, everything runs on the scalar twins. The vector code moves bytes in
// little-endian order, so big-endian machines belong here too.
#if !defined(PITH_NO_SIMD) && !(defined(__x86_64__) && defined(__SSE2__)) && \
    !(defined(__aarch64__) && defined(__ARM_NEON) && !defined(__AARCH64EB__))
#    define PITH_NO_SIMD
#endif

namespace pith::inline v1::simd {

/// No vector instructions written by hand. `bytes` is the width of a vector, 0 for none.
struct scalar {
    static constexpr const char* name = "scalar";
    static constexpr std::size_t bytes = 0;
};
/// What every x86-64 has.
struct sse2 {
    static constexpr const char* name = "sse2";
    static constexpr std::size_t bytes = 16;
};
/// AVX2, as in x86-64-v3; FMA and F16C are used where the flags offer them.
struct avx2 {
    static constexpr const char* name = "avx2";
    static constexpr std::size_t bytes = 32;
};
/// AVX-512 F, BW, DQ, VL: x86-64-v4.
struct avx512 {
    static constexpr const char* name = "avx512";
    static constexpr std::size_t bytes = 64;
};
/// x86-64-v4 with VBMI, VBMI2 and VNNI: Ice Lake, Zen 4 and later.
struct avx512_vnni {
    static constexpr const char* name = "avx512_vnni";
    static constexpr std::size_t bytes = 64;
};
/// Advanced SIMD of AArch64.
struct neon {
    static constexpr const char* name = "neon";
    static constexpr std::size_t bytes = 16;
};
/// Advanced SIMD with the dot-product instructions of ARMv8.2.
struct neon_dotprod {
    static constexpr const char* name = "neon_dotprod";
    static constexpr std::size_t bytes = 16;
};

/// One of the types above.
template <class Arch>
concept instruction_set = std::same_as<Arch, scalar> || std::same_as<Arch, sse2> ||
    std::same_as<Arch, avx2> || std::same_as<Arch, avx512> || std::same_as<Arch, avx512_vnni> ||
    std::same_as<Arch, neon> || std::same_as<Arch, neon_dotprod>;

// Small functions that are not templates on a set are always inlined, which keeps their code out of the
// linker's hands. A kernel called for a smaller set than `native` has that set's name but this unit's code:
// do so only where the whole program is compiled with the same flags.

/// What the compiler flags of this translation unit allow. It is the default of every kernel. An inline
/// function or class that calls a kernel without naming the set differs between translation units of
/// different flags: make it a template on the set as well, with this default.
#if defined(PITH_NO_SIMD)
using native = scalar;
#elif defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && \
    defined(__AVX512VBMI__) && defined(__AVX512VBMI2__) && defined(__AVX512VNNI__)
using native = avx512_vnni;
#elif defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
using native = avx512;
#elif defined(__AVX2__)
using native = avx2;
#elif defined(__x86_64__)
using native = sse2;
#elif defined(__ARM_FEATURE_DOTPROD)
using native = neon_dotprod;
#else
using native = neon;
#endif

/// True if a machine with `Arch` runs the instructions of `Part` as well.
template <instruction_set Arch, instruction_set Part>
inline constexpr bool covers = std::same_as<Arch, Part> || std::same_as<Part, scalar>;
template <>
inline constexpr bool covers<avx2, sse2> = true;
template <>
inline constexpr bool covers<avx512, sse2> = true;
template <>
inline constexpr bool covers<avx512, avx2> = true;
template <>
inline constexpr bool covers<avx512_vnni, sse2> = true;
template <>
inline constexpr bool covers<avx512_vnni, avx2> = true;
template <>
inline constexpr bool covers<avx512_vnni, avx512> = true;
template <>
inline constexpr bool covers<neon_dotprod, neon> = true;

/// True if this translation unit may call a kernel for `Arch`: its flags allow the instructions.
template <class Arch>
concept available = instruction_set<Arch> && covers<native, Arch>;

}  // namespace pith::inline v1::simd

// Entropy coders and compressors of other projects, as Debian ships them; what was not found when this was
// configured is told by name and package.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <pith/core/bytes.hpp>

#include "entropy/coders.hpp"

#ifdef PITH_BENCH_HTSCODECS
extern "C" {
#    include <htscodecs/htscodecs.h>
}
#    include <htscodecs/arith_dynamic.h>
#    include <htscodecs/rANS_static4x16.h>
#endif
#ifdef PITH_BENCH_ZSTD
#    ifndef ZSTD_STATIC_LINKING_ONLY
#        define ZSTD_STATIC_LINKING_ONLY
#    endif
#    include <zstd.h>
// zstd's Huffman by itself: not part of its interface, so only with the release whose signatures these are,
// and there only when it was linked as an archive.
extern "C" {
[[gnu::weak]] std::size_t HUF_decompress4X_hufOnly_wksp(std::uint32_t*, void*, std::size_t, const void*,
                                                        std::size_t, void*, std::size_t, int);
[[gnu::weak]] std::size_t HUF_compress4X_repeat(void*, std::size_t, const void*, std::size_t, unsigned,
                                                unsigned, void*, std::size_t, void*, int*, int);
}
#endif
#ifdef PITH_BENCH_LIBDEFLATE
#    include <libdeflate.h>
#endif
#ifdef PITH_BENCH_BROTLI
#    include <brotli/decode.h>
#    include <brotli/encode.h>
#endif

namespace bench {

/// Coders of others that do the task of one of pith's, whole compressors for orientation, and lines that say
/// which versions were measured and which are absent.
struct rivals {
    std::vector<coder> coders;
    std::vector<coder> references;
    std::vector<std::string> notes;
};

namespace detail {

using pith::byte_span;
using pith::byte_view;

#ifdef PITH_BENCH_HTSCODECS
inline coder htscodecs_rans(std::string name, int order, int processors, std::string call,
                            std::string counterpart = "rans") {
    return {std::move(name),
            [order](std::size_t n) {
                return std::size_t{rans_compress_bound_4x16(static_cast<unsigned>(n), order)};
            },
            [order, processors](byte_view in, byte_span out) {
                rans_set_cpu(processors);
                auto size = static_cast<unsigned>(out.size());
                const bool done = rans_compress_to_4x16(const_cast<unsigned char*>(in.data()),
                                                        static_cast<unsigned>(in.size()), out.data(), &size,
                                                        order) != nullptr;
                return done ? std::size_t{size} : 0;
            },
            [processors](byte_view in, byte_span out) {
                rans_set_cpu(processors);
                auto size = static_cast<unsigned>(out.size());
                return rans_uncompress_to_4x16(const_cast<unsigned char*>(in.data()),
                                               static_cast<unsigned>(in.size()), out.data(),
                                               &size) != nullptr &&
                       size == out.size();
            },
            std::move(counterpart),
            std::move(call)};
}

/// Its adaptive range coder, order 0 or 1.
inline coder htscodecs_arithmetic(std::string name, int order, std::string counterpart) {
    return {
        std::move(name),
        [order](std::size_t n) { return std::size_t{arith_compress_bound(static_cast<unsigned>(n), order)}; },
        [order](byte_view in, byte_span out) {
            auto size = static_cast<unsigned>(out.size());
            const bool done =
                arith_compress_to(const_cast<unsigned char*>(in.data()), static_cast<unsigned>(in.size()),
                                  out.data(), &size, order) != nullptr;
            return done ? std::size_t{size} : 0;
        },
        [](byte_view in, byte_span out) {
            auto size = static_cast<unsigned>(out.size());
            return arith_uncompress_to(const_cast<unsigned char*>(in.data()),
                                       static_cast<unsigned>(in.size()), out.data(), &size) != nullptr &&
                   size == out.size();
        },
        std::move(counterpart),
        "arith_compress_to(order " + std::to_string(order) + ")"};
}

inline void add_htscodecs(rivals& to) {
    constexpr int all = 0xFFFF;
    constexpr int sse4 = RANS_CPU_ENC_SSE4 | RANS_CPU_DEC_SSE4;
    to.notes.push_back(std::string("htscodecs ") + htscodecs_version());
    to.coders.push_back(htscodecs_rans("htscodecs 4x16", 0, all, "rans_compress_to_4x16(order 0)"));
    to.coders.push_back(
        htscodecs_rans("htscodecs 32x16", RANS_ORDER_X32, all,
                       "rans_compress_to_4x16(order RANS_ORDER_X32), its own choice of instructions"));
    to.coders.push_back(htscodecs_rans("htscodecs order 1", RANS_ORDER_X32 | 1, all,
                                       "rans_compress_to_4x16(order RANS_ORDER_X32 | 1)", "rans order 1"));
    to.coders.push_back(htscodecs_arithmetic("htscodecs arith 0", 0, "nibble order 0"));
    to.coders.push_back(htscodecs_arithmetic("htscodecs arith 1", 1, "nibble order 1"));
#    if defined(__x86_64__)
    constexpr int avx2 = RANS_CPU_ENC_AVX2 | RANS_CPU_DEC_AVX2;
    to.coders.push_back(htscodecs_rans("htscodecs 32x16 avx2", RANS_ORDER_X32, sse4 | avx2,
                                       "the same after rans_set_cpu(SSE4 | AVX2)"));
    to.coders.push_back(
        htscodecs_rans("htscodecs 32x16 sse4", RANS_ORDER_X32, sse4, "the same after rans_set_cpu(SSE4)"));
#    endif
}
#endif

#ifdef PITH_BENCH_ZSTD
/// zstd as a Huffman coder: blocks of 128 KiB of literals and not one match.
inline coder zstd_huffman() {
    struct contexts {
        ZSTD_CCtx* encoder = ZSTD_createCCtx();
        ZSTD_DCtx* decoder = ZSTD_createDCtx();
        std::vector<ZSTD_Sequence> blocks{};
        contexts() {
            ZSTD_CCtx_setParameter(encoder, ZSTD_c_blockDelimiters, ZSTD_sf_explicitBlockDelimiters);
            ZSTD_CCtx_setParameter(encoder, ZSTD_c_literalCompressionMode, ZSTD_ps_enable);
            ZSTD_CCtx_setParameter(encoder, ZSTD_c_windowLog, 20);
        }
        contexts(const contexts&) = delete;
        contexts& operator=(const contexts&) = delete;
        ~contexts() {
            ZSTD_freeCCtx(encoder);
            ZSTD_freeDCtx(decoder);
        }
    };
    const auto state = std::make_shared<contexts>();
    return {"zstd Huffman",
            [](std::size_t n) { return ZSTD_compressBound(n); },
            [state](byte_view in, byte_span out) {
                state->blocks.clear();
                for (std::size_t at = 0; at < in.size(); at += ZSTD_BLOCKSIZE_MAX) {
                    const std::size_t left = in.size() - at;
                    const auto n =
                        static_cast<unsigned>(left < ZSTD_BLOCKSIZE_MAX ? left : ZSTD_BLOCKSIZE_MAX);
                    state->blocks.push_back({0, n, 0, 0});
                }
                const std::size_t size =
                    ZSTD_compressSequences(state->encoder, out.data(), out.size(), state->blocks.data(),
                                           state->blocks.size(), in.data(), in.size());
                return ZSTD_isError(size) != 0 ? 0 : size;
            },
            [state](byte_view in, byte_span out) {
                return ZSTD_decompressDCtx(state->decoder, out.data(), out.size(), in.data(), in.size()) ==
                       out.size();
            },
            "huffman",
            "ZSTD_compressSequences(literals only, explicit delimiters each 128 KiB), ZSTD_decompressDCtx; "
            "tables "
            "per 128 KiB; decoding includes its copy from the literal buffer"};
}

#    if ZSTD_VERSION_NUMBER == 10504
/// Its Huffman coder without frames and copies; each 128 KiB piece is preceded by its size.
inline coder zstd_bare_huffman() {
    constexpr std::size_t piece = std::size_t{1} << 17;
    struct memory {
        std::vector<std::uint64_t> work = std::vector<std::uint64_t>(8192);
        std::vector<std::uint32_t> tables = std::vector<std::uint32_t>(8192);
    };
    const auto state = std::make_shared<memory>();
    return {"zstd HUF",
            [](std::size_t n) { return n + n / 64 + 4096; },
            [state](byte_view in, byte_span out) {
                std::size_t to = 0;
                for (std::size_t at = 0; at < in.size(); at += piece) {
                    const std::size_t n = in.size() - at < piece ? in.size() - at : piece;
                    int repeat = 0;
                    const std::size_t size = HUF_compress4X_repeat(
                        out.data() + to + 3, out.size() - to - 3, in.data() + at, n, 255, 11,
                        state->work.data(), 8 * state->work.size(), state->tables.data(), &repeat, 1);
                    if (ZSTD_isError(size) != 0 || size <= 1) return std::size_t{0};  // does not shrink
                    for (unsigned k = 0; k < 3; ++k) out[to + k] = static_cast<std::uint8_t>(size >> (8 * k));
                    to += 3 + size;
                }
                return to;
            },
            [state](byte_view in, byte_span out) {
                std::size_t from = 0;
                for (std::size_t at = 0; at < out.size(); at += piece) {
                    const std::size_t n = out.size() - at < piece ? out.size() - at : piece;
                    const std::size_t size =
                        in[from] | std::size_t{in[from + 1]} << 8 | std::size_t{in[from + 2]} << 16;
                    state->tables[0] = 11 * 0x01000001U;  // the largest table that fits
                    if (HUF_decompress4X_hufOnly_wksp(state->tables.data(), out.data() + at, n,
                                                      in.data() + from + 3, size, state->work.data(),
                                                      8 * state->work.size(), 1) != n)
                        return false;
                    from += 3 + size;
                }
                return true;
            },
            "huffman",
            "HUF_compress4X_repeat, HUF_decompress4X_hufOnly_wksp of libzstd.a on pieces of 128 KiB "
            "(internal functions)"};
}
#    endif

inline coder zstd_whole(int level) {
    const auto encoder = std::shared_ptr<ZSTD_CCtx>(ZSTD_createCCtx(), ZSTD_freeCCtx);
    const auto decoder = std::shared_ptr<ZSTD_DCtx>(ZSTD_createDCtx(), ZSTD_freeDCtx);
    return {"zstd -" + std::to_string(level),
            [](std::size_t n) { return ZSTD_compressBound(n); },
            [encoder, level](byte_view in, byte_span out) {
                const std::size_t size =
                    ZSTD_compressCCtx(encoder.get(), out.data(), out.size(), in.data(), in.size(), level);
                return ZSTD_isError(size) != 0 ? 0 : size;
            },
            [decoder](byte_view in, byte_span out) {
                return ZSTD_decompressDCtx(decoder.get(), out.data(), out.size(), in.data(), in.size()) ==
                       out.size();
            },
            "",
            "ZSTD_compressCCtx(level " + std::to_string(level) + ")"};
}

inline void add_zstd(rivals& to) {
    to.notes.push_back(std::string("zstd ") + ZSTD_versionString());
    to.coders.push_back(zstd_huffman());
#    if ZSTD_VERSION_NUMBER == 10504
    if (HUF_compress4X_repeat != nullptr && HUF_decompress4X_hufOnly_wksp != nullptr)
        to.coders.push_back(zstd_bare_huffman());
#    endif
    to.references.push_back(zstd_whole(3));
}
#endif

#ifdef PITH_BENCH_LIBDEFLATE
inline void add_libdeflate(rivals& to) {
    constexpr int level = 6;
    const auto encoder = std::shared_ptr<libdeflate_compressor>(libdeflate_alloc_compressor(level),
                                                                libdeflate_free_compressor);
    const auto decoder = std::shared_ptr<libdeflate_decompressor>(libdeflate_alloc_decompressor(),
                                                                  libdeflate_free_decompressor);
    to.notes.push_back("libdeflate " LIBDEFLATE_VERSION_STRING);
    to.references.push_back(
        {"libdeflate -6", [](std::size_t n) { return libdeflate_deflate_compress_bound(nullptr, n); },
         [encoder](byte_view in, byte_span out) {
             return libdeflate_deflate_compress(encoder.get(), in.data(), in.size(), out.data(), out.size());
         },
         [decoder](byte_view in, byte_span out) {
             return libdeflate_deflate_decompress(decoder.get(), in.data(), in.size(), out.data(), out.size(),
                                                  nullptr) == LIBDEFLATE_SUCCESS;
         },
         "", "libdeflate_deflate_compress(level 6)"});
}
#endif

#ifdef PITH_BENCH_BROTLI
inline void add_brotli(rivals& to) {
    const std::uint32_t v = BrotliEncoderVersion();
    to.notes.push_back("brotli " + std::to_string(v >> 24) + "." + std::to_string((v >> 12) & 0xFFF) + "." +
                       std::to_string(v & 0xFFF));
    to.references.push_back({"brotli -5", [](std::size_t n) { return BrotliEncoderMaxCompressedSize(n); },
                             [](byte_view in, byte_span out) {
                                 std::size_t size = out.size();
                                 const bool done =
                                     BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, in.size(), in.data(),
                                                           &size, out.data()) != 0;
                                 return done ? size : 0;
                             },
                             [](byte_view in, byte_span out) {
                                 std::size_t size = out.size();
                                 return BrotliDecoderDecompress(in.size(), in.data(), &size, out.data()) ==
                                            BROTLI_DECODER_RESULT_SUCCESS &&
                                        size == out.size();
                             },
                             "", "BrotliEncoderCompress(quality 5, window 22)"});
}
#endif

}  // namespace detail

inline rivals find_rivals() {
    rivals out;
#ifdef PITH_BENCH_HTSCODECS
    detail::add_htscodecs(out);
#else
    out.notes.push_back("htscodecs: not installed, not measured (apt-get install libhtscodecs-dev)");
#endif
#ifdef PITH_BENCH_ZSTD
    detail::add_zstd(out);
#else
    out.notes.push_back("zstd: not installed, not measured (apt-get install libzstd-dev)");
#endif
#ifdef PITH_BENCH_LIBDEFLATE
    detail::add_libdeflate(out);
#else
    out.notes.push_back("libdeflate: not installed, not measured (apt-get install libdeflate-dev)");
#endif
#ifdef PITH_BENCH_BROTLI
    detail::add_brotli(out);
#else
    out.notes.push_back("brotli: not installed, not measured (apt-get install libbrotli-dev)");
#endif
    return out;
}

}  // namespace bench

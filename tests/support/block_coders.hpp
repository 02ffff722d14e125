// The block coders of the library behind one interface, each in its portable and in its fastest form.
// A new coder is one line in block_coders.cpp: frozen vectors, damage campaign and fuzz targets follow from
// it.
#pragma once

#include <pith/container/frame.hpp>
#include <pith/core/bytes.hpp>
#include <pith/core/limits.hpp>
#include <pith/core/result.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace block_coders {

using bytes = std::vector<std::uint8_t>;

/// A block coder of any type, with frames in memory.
class coder {
  public:
    virtual ~coder() = default;
    [[nodiscard]] virtual std::size_t max_encoded_size(std::size_t n) const noexcept = 0;
    virtual pith::result<std::size_t> encode_into(pith::byte_view in, pith::byte_span out) noexcept = 0;
    virtual pith::result<std::size_t> decode_into(pith::byte_view in, pith::byte_span out) noexcept = 0;
    virtual pith::result<bytes> encode_frame(pith::byte_view in, std::uint32_t block_size) = 0;
    virtual pith::result<std::size_t> decode_frame_into(pith::byte_view in, pith::byte_span out,
                                                        const pith::limits& bound) noexcept = 0;
};

/// One entry of the list: what frozen streams call the coder, and how its two forms are made.
struct entry {
    const char* name;
    std::uint32_t recipe;
    std::uint64_t memory;  ///< of an object, in bytes
    std::unique_ptr<coder> (*portable)();
    std::unique_ptr<coder> (*native)();
    bool quick = true;
};

/// All of them. They are compiled once for an instruction set, in a file of their own: the programs that
/// try them need not compile them again.
extern const std::span<const entry> entries;

/// Decoders of frames of any coder of the list.
pith::result<bytes> decode_frame(pith::byte_view frame, const pith::limits& bound = {});
pith::result<bytes> decode_stream(pith::byte_view frame, const pith::limits& bound = {});
pith::result<bool> verify_stream(pith::byte_view frame, const pith::limits& bound = {});

/// Bytes of an object of the coder of this recipe, 0 if there is none.
std::uint64_t memory_of(std::uint32_t recipe) noexcept;

/// The coded block, shrunk to its size; empty on error.
bytes encoded(coder& c, pith::byte_view in);

}  // namespace block_coders

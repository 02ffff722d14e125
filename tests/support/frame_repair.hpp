// Makes the checksums of a frame fit whatever stands in it, so that they do not shield the decoder behind
// them: streams that no encoder writes, yet nothing but their meaning tells.
#pragma once

#include <pith/container.hpp>

#include <memory>
#include <vector>

#include "support/block_coders.hpp"

namespace frame_repair {

using bytes = std::vector<std::uint8_t>;
namespace box = pith::container;

/// Keeps one object of each coder, because some are large.
class repairer {
  public:
    /// Sets magic, version and all checksums, and the total of the end mark. Sizes, flags, recipe and
    /// payloads stay as they are. Blocks whose payload does not decode, or is larger than `most`, end the
    /// work.
    void repair(bytes& frame, std::size_t most = std::size_t{1} << 20) {
        using header_type = box::frame_header;
        if (frame.size() < header_type::min_size) return;
        for (std::size_t i = 0; i < 4; ++i) frame[i] = header_type::magic[i];
        frame[4] = pith::stream_version;
        const std::size_t size = header_type::size_of(frame.data());
        if (frame.size() < size) return;
        const auto check = static_cast<std::uint32_t>(pith::xxh64_of(pith::byte_view(frame).first(size - 4)));
        pith::store_le<std::uint32_t>(frame.data() + size - 4, check);
        const auto header = header_type::parse(frame);
        if (header) repair_blocks(frame, *header, most);
    }

  private:
    void repair_blocks(bytes& frame, const box::frame_header& header, std::size_t most) {
        box::block_ledger ledger(header);
        std::size_t at = header.size();
        while (frame.size() - at >= box::block_header::size) {
            if (pith::load_le<std::uint32_t>(frame.data() + at) == 0) break;
            auto block = box::block_header::read(frame.data() + at);
            const std::size_t start = at + box::block_header::size;
            if (block.decoded > most || block.coded > block.decoded ||
                frame.size() - start < block.payload_size())
                return;
            bytes out(block.decoded);
            if (!decode(header.recipe, block, pith::byte_view(frame).subspan(start), out)) return;
            block.check = pith::xxh64_of(out, ledger.seed());
            block.write(frame.data() + at);
            ledger.add(block);
            at = start + block.payload_size();
        }
        if (frame.size() - at >= box::end_mark::size) ledger.end().write(frame.data() + at);
    }
    bool decode(std::uint32_t recipe, const box::block_header& block, pith::byte_view in, bytes& out) {
        if (block.stored()) {
            for (std::size_t i = 0; i < out.size(); ++i) out[i] = in[i];
            return true;
        }
        for (std::size_t i = 0; i < block_coders::entries.size(); ++i) {
            if (block_coders::entries[i].recipe != recipe) continue;
            if (coders_[i] == nullptr) coders_[i] = block_coders::entries[i].portable();
            return coders_[i]->decode_into(in.first(block.coded), out).has_value();
        }
        return false;
    }
    std::vector<std::unique_ptr<block_coders::coder>> coders_ =
        std::vector<std::unique_ptr<block_coders::coder>>(block_coders::entries.size());
};

}  // namespace frame_repair

#include <pith/container.hpp>
#include <pith/core/parallel.hpp>
#include <pith/entropy/rans_block.hpp>
#include <pith/simd/rans.hpp>

#include <string>

#include "support/block_coders.hpp"
#include "vectors/frozen.hpp"
#include "vectors/samples.hpp"

namespace {

namespace box = pith::container;
using bytes = std::vector<std::uint8_t>;

bytes decoded_as_stream(const bytes& frame) {
    auto out = block_coders::decode_stream(frame);
    REQUIRE(out);
    return *out;
}

void check_frame(frozen::rows& rows, const block_coders::entry& entry, const std::string& input,
                 const bytes& in) {
    CAPTURE(entry.name, input);
    const auto frame = entry.native()->encode_frame(in, box::min_block_size);
    REQUIRE(frame);
    const auto back = block_coders::decode_frame(*frame);
    REQUIRE(back);
    CHECK(decoded_as_stream(*frame) == in);
    rows.check(std::string("frame/") + entry.name, input, in, *frame, *back);
}

bytes section_list(unsigned sections) {
    bytes out;
    pith::vector_sink sink(out);
    box::section_writer writer(sink);
    for (unsigned i = 0; i < sections; ++i)
        writer.put(box::section_id(0x41414141 + i), samples::sample(i % samples::kinds, 37 * i),
                   i % 2 == 0 ? box::section_use::mandatory : box::section_use::optional);
    writer.finish();
    return out;
}

std::string in_streams(const std::string& name) {
    std::string out = "streams/";
    out.append(name);
    return out;
}

}  // namespace

TEST_CASE("frames of every coder are written and read as frozen, in memory and as a stream") {
    frozen::rows rows("frame/");
    for (const block_coders::entry& entry : block_coders::entries) {
        check_frame(rows, entry, "empty", {});
        check_frame(rows, entry, "text", frozen::read_file("text.txt"));
        for (const unsigned kind : {0U, 2U, 4U, 6U, 7U})
            check_frame(rows, entry, samples::name(kind, 13000), samples::sample(kind, 13000));
    }
    const bytes in = samples::sample(samples::letters, 1000);
    const auto stored = box::encode_frame(in, box::stored_codec{});
    REQUIRE(stored);
    rows.check("frame/stored", samples::name(samples::letters, 1000), in, *stored,
               decoded_as_stream(*stored));
    rows.finish();
}

TEST_CASE("a frame that does not state its size is written as frozen, by any number of threads") {
    frozen::rows rows("stream/");
    const bytes in = samples::sample(7, 70000);
    using codec = pith::entropy::rans_bytes<pith::simd::rans_rounds<>>;
    bytes frame, threaded;
    REQUIRE(box::encode_stream(box::view_source(in), box::vector_output(frame), codec{},
                               {.block_size = 1 << 14}));
    REQUIRE(box::encode_stream(box::view_source(in), box::vector_output(threaded), codec{},
                               {.block_size = 1 << 14}, pith::threads{3}));
    CHECK(frame == threaded);
    rows.check("stream/rans", samples::name(7, 70000), in, frame, decoded_as_stream(frame));
    rows.finish();
}

TEST_CASE("section lists are written and read as frozen") {
    frozen::rows rows("sections/");
    for (const unsigned count : {0U, 1U, 9U}) {
        const bytes list = section_list(count);
        bytes payloads;
        auto reader = box::section_reader::open(list);
        REQUIRE(reader);
        unsigned found = 0;
        for (box::section section;; ++found) {
            const auto more = reader->next(section);
            REQUIRE(more);
            if (!*more) break;
            CHECK(section.id == box::section_id(0x41414141 + found));
            payloads.insert(payloads.end(), section.payload.begin(), section.payload.end());
        }
        CHECK(found == count);
        rows.check("sections/list", std::to_string(count), {}, list, payloads);
    }
    rows.finish();
}

TEST_CASE("committed streams are what this build writes, and decode to what they held") {
    // The complete bytes stand in the repository, so that a second decoder can be tried on them.
    frozen::rows rows("file/");
    const bytes text = frozen::read_file("text.txt");
    bytes blocks = samples::sample(3, 4000);  // three blocks, one of which is half numbers, half text
    for (int i = 0; i < 8; ++i) blocks.insert(blocks.end(), text.begin(), text.end());
    const auto check = [&](const std::string& name, const bytes& made, const bytes& content) {
        CAPTURE(name);
        const std::string path = in_streams(name);
        bytes file = frozen::read_file(path);
        if (file.empty() && frozen::file_to_write() != nullptr) {
            file = made;
            std::ofstream(frozen::path_of(path), std::ios::binary)
                .write(reinterpret_cast<const char*>(made.data()), static_cast<std::streamsize>(made.size()));
        }
        CHECK(file == made);
        rows.check("file/" + name, "-", content, file, content);
    };
    for (const block_coders::entry& entry : block_coders::entries) {
        const auto native = entry.native(), portable = entry.portable();
        for (const auto& [suffix, in] : {std::pair{".pith", text}, {".blocks.pith", blocks}}) {
            const auto frame = native->encode_frame(in, box::min_block_size);
            REQUIRE(frame);
            std::string name = entry.name;
            name.append(suffix);
            check(name, *frame, in);
            const bytes file = frozen::read_file(in_streams(name));
            for (const auto& form : {native.get(), portable.get()}) {
                bytes back(in.size());
                REQUIRE(form->decode_frame_into(file, back, {}));
                CHECK(back == in);
            }
        }
    }
    check("sections.psec", section_list(5), {});
    rows.finish();
}

#include <pith/core/footprint.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

constexpr auto root = pith::footprint::root;

std::string printed(const pith::footprint& tree, pith::footprint_style style = {}) {
    std::vector<std::uint8_t> bytes;
    pith::vector_sink sink(bytes);
    tree.print(sink, style);
    return {bytes.begin(), bytes.end()};
}

pith::footprint example() {
    pith::footprint tree("frame");
    tree.add(root, "header", 24);
    const auto blocks = tree.add(root, "blocks");
    tree.add(root, "end mark", 20);
    tree.add(blocks, "payloads", 1200000);  // added after a later sibling of its parent
    tree.add(blocks, "checksums", 16);
    return tree;
}

}  // namespace

TEST_CASE("a part holds its own bits and those of its children") {
    pith::footprint tree = example();
    CHECK(tree.bytes() == 24 + 20 + 1200000 + 16);
    CHECK(tree.bytes(2) == 1200016);
    tree.charge_bits(2, 3);
    CHECK(tree.bits(2) == 1200016 * 8 + 3);
    CHECK(tree.bytes(2) == 1200017);
    CHECK(tree.bits() == (24 + 20 + 1200016) * 8 + 3);
    CHECK(tree.parent(4) == 2);
}

TEST_CASE("an adopted tree keeps its shape and its sum") {
    pith::footprint tree("all");
    const auto first = tree.adopt(root, example());
    const auto second = tree.adopt(first, tree);
    CHECK(tree.bytes(second) == example().bytes());
    CHECK(tree.bytes() == 2 * example().bytes());
    CHECK(std::string(tree.name(second)) == "all");
    CHECK(std::string(tree.name(second + 1)) == "frame");
    CHECK(tree.parent(second + 1) == second);
}

TEST_CASE("the printed tree is aligned") {
    CHECK(printed(example(), {.ascii = true}) ==
          "frame            1,200,060 B  100.0 %\n"
          "|- header               24 B    0.0 %\n"
          "|- blocks        1,200,016 B  100.0 %\n"
          "|  |- payloads   1,200,000 B  100.0 %\n"
          "|  `- checksums         16 B    0.0 %\n"
          "`- end mark             20 B    0.0 %\n");
    CHECK(printed(example()).substr(0, 80).find("├─ header ") != std::string::npos);
}

TEST_CASE("parts of a byte are printed when there are any") {
    pith::footprint tree("bits");
    tree.add_bits(root, "a", 3);
    tree.add_bits(root, "b", 13);
    CHECK(printed(tree, {.ascii = true}) ==
          "bits  2.000 B  100.0 %\n"
          "|- a  0.375 B   18.8 %\n"
          "`- b  1.625 B   81.3 %\n");
}

TEST_CASE("many children are summed up, a single one too many is not") {
    pith::footprint tree("t");
    for (int i = 0; i < 5; ++i) tree.add(root, "child", 10);
    CHECK(printed(tree, {.ascii = true, .max_children = 3}) ==
          "t              50 B  100.0 %\n"
          "|- child       10 B   20.0 %\n"
          "|- child       10 B   20.0 %\n"
          "|- child       10 B   20.0 %\n"
          "`- (2 others)  20 B   40.0 %\n");
    CHECK(printed(tree, {.ascii = true, .max_children = 4}).find("others") == std::string::npos);
}

TEST_CASE("an empty tree, long names and huge sums print too") {
    CHECK(printed(pith::footprint("nothing")) == "nothing  0 B    0.0 %\n");
    pith::footprint tree("x");
    const auto p = tree.add(root, std::string(100, 'n').c_str());
    tree.charge_bits(p, ~std::uint64_t{0});
    CHECK(std::string(tree.name(p)).size() == pith::footprint::max_name);
    CHECK(printed(tree).find("2,305,843,009,213,693,951.875 B  100.0 %") != std::string::npos);
}

// Headers of weight files from any bytes: an error in words, or tensors that fill the file without overlaps.
#include "fuzz/input.hpp"
#include "weights_file/npy.hpp"
#include "weights_file/safetensors.hpp"

namespace {

void check(const weights::weights_file& file, std::uint64_t size) {
    std::uint64_t at = file.header_size;
    for (const weights::tensor_entry& t : file.tensors) {
        std::uint64_t bytes = 0;
        fuzz::require(weights::size_of_shape(t.shape, t.element, bytes), "a shape has a size");
        fuzz::require(t.begin == at && t.end >= t.begin && t.end - t.begin == bytes,
                      "tensors stand one behind the other");
        at = t.end;
    }
    fuzz::require(at == size, "tensors fill the file");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::input in(data, size);
    const unsigned kind = in.byte() % 3;
    const std::size_t data_bytes = in.two_bytes() % 300;
    fuzz::bytes file = in.rest();
    if (kind == 1) {  // a header's text: its length is made to fit, and data follow
        fuzz::bytes length(8);
        pith::store_le<std::uint64_t>(length.data(), file.size());
        file.insert(file.begin(), length.begin(), length.end());
    }
    if (kind == 2)  // the same for .npy
        file.insert(file.begin(), std::begin(pith::vector::npy_magic), std::end(pith::vector::npy_magic));
    if (kind != 0) file.insert(file.end(), data_bytes, std::uint8_t{7});
    file.shrink_to_fit();
    weights::weights_file found;
    const weights::complaint wrong = pith::vector::is_npy(file)
                                         ? weights::read_npy(file, file.size(), found)
                                         : weights::read_safetensors(file, file.size(), found);
    if (wrong.empty()) check(found, file.size());
    return 0;
}

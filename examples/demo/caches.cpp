#include "caches.hpp"

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <pith/kv/exact_codec.hpp>
#include <pith/systems/kv_scalar.hpp>
#include <pith/systems/kv_transport.hpp>

#include "../../bench/support/timing.hpp"
#include "../kv_lm/held_out.hpp"
#include "../kv_lm/load_model.hpp"
#include "../kv_lm/measure.hpp"
#include "../kv_lm/samples.hpp"
#include "../kv_lm/table.hpp"

namespace {

namespace kv = pith::kv;
namespace systems = pith::systems;

template <unsigned Bits>
std::unique_ptr<kv::any_cache> make_kivi(const kv::shape& s, const kv::rope& r, const kv::calibration&) {
    return kv::make_any<systems::kivi<Bits>>(s, r, systems::kivi_keys<Bits>(), systems::kivi_values<Bits>(),
                                             kv::residual{32, 32});
}

std::unique_ptr<kv::any_cache> make_transport(const kv::shape& s, const kv::rope& r,
                                              const kv::calibration& c) {
    const kv::transform_coded<> codec(
        std::make_shared<const kv::transport_bases>(kv::transport_bases::fit(c)), 0.1F);
    return kv::make_any<systems::kv_transport>(s, r, codec, codec, systems::transport_chunks);
}

std::vector<lm::named_system> four_systems() {
    using half_cache = kv::cache<kv::post_rope, kv::loose_only, kv::exact_codec, kv::exact_codec>;
    return {{"half floats", [](const kv::shape& s, const kv::rope& r,
                               const kv::calibration&) { return kv::make_any<half_cache>(s, r); }},
            {"KIVI, 4 bits", make_kivi<4>},
            {"KIVI, 2 bits", make_kivi<2>},
            {"pith's transport", make_transport}};
}

}  // namespace

void show_caches() {
    lm::loaded_model loaded;
    if (const lm::complaint wrong = lm::load_model(lm::trained_model_path().string(), {}, loaded);
        !wrong.empty()) {
        std::printf("\nNo caches are shown: data/cpp_headers_lm.safetensors: %s\n", wrong.c_str());
        return;
    }
    constexpr std::size_t prompt = 384, length = prompt + 128 + 1;
    const bench::data_set text = lm::held_out_text();
    const std::vector<std::uint32_t> tokens = loaded.words.tokens_of(text.data);
    const auto windows = lm::cut_windows(tokens, 4, length);
    if (windows.size() < 4) return;
    const kv::calibration calibration = lm::calibrate(loaded.model, std::span(windows).first(2));
    std::vector<lm::reference> references;
    for (std::size_t i = 2; i < 4; ++i)
        references.push_back(lm::run_exact(loaded.model, {windows[i], prompt}));
    std::vector<lm::measured_system> all;
    for (const lm::named_system& system : four_systems())
        all.push_back(lm::measure_system(system, &loaded.model, references, calibration));
    lm::print_systems("Key-value caches of the small language model in data/, on " + text.origin, all, true);
    std::puts("All systems: ./run bench kv; on a text of yours: kv_lm.");
}

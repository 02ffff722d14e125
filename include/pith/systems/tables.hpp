// Published coders of tables and point clouds, each one alias over policies of the library.
// Above each: the publication, which slot realises which idea, and what is not reproduced.
#pragma once

#include <pith/vector/point_scan.hpp>

namespace pith::inline v1::systems {

// LiZIP (2026): points of a scan predicted from decoded ones, quantized differences, a coder; the bound of
// error is an option. Not reproduced: the trained perceptron (the best of fourteen ways to go on predicts
// here, among them ways along the ray of the sensor), its byte shuffle in front of a general compressor.
using lizip = vector::point_scan;

}  // namespace pith::inline v1::systems

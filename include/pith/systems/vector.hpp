// Published vector quantizers as aliases over vector/.
// Each alias names its publication, the slots that realise its ideas, and what is not reproduced.
#pragma once

#include <pith/transform/matrix_rotation.hpp>
#include <pith/transform/randomized_hadamard.hpp>
#include <pith/vector/rotation_code.hpp>
#include <pith/vector/sign_sketch.hpp>

namespace pith::inline v1::systems {

// --- Rotation codes --------------------------------------------------------------------------------------

/// TurboQuant-mse (Zandieh, Daliri, Hadian, Mirrokni, 2025): 1 to 8 bits a coordinate and the norm.
/// Random rotation -> Lloyd-Max grid of a sphere's coordinate -> packed indices and the norm.
/// Not reproduced: the split of channels into two rates (2.5 and 3.5 bits) and the entropy coding mentioned.
template <unsigned Bits, transform::rotation Rotation = transform::randomized_hadamard<>>
using turboquant_mse = vector::rotation_code<vector::nearest_assignment<Bits>, Rotation,
                                             vector::rotation_options{.scalar = vector::side_scalar::norm}>;

/// TurboQuant-prod (the same): the mse code at one bit less, and a QJL sketch of what it leaves.
/// Residual stages -> rotation code, then signs of an independent random projection; scores add up.
/// With a rotation as the projection the variance is a third of that of the published Gaussian matrix.
template <unsigned Bits, transform::rotation Rotation = transform::randomized_hadamard<>,
          transform::vector_transform Projection = vector::gaussian_projection<>>
requires(Bits >= 2) using turboquant_prod =
    vector::residual_code<turboquant_mse<Bits - 1, Rotation>, vector::sign_sketch<Projection>>;

/// TurboQuant-mse with RaBitQ's factor in the norm's place: no publication. Unbiased inner products at the
/// bits of the mse code, with a variance of about a quarter of turboquant_prod's. Random rotation ->
/// Lloyd-Max grid -> packed indices and <y,y> / <y,l>.
template <unsigned Bits, transform::rotation Rotation = transform::randomized_hadamard<>>
using turboquant_factor =
    vector::rotation_code<vector::nearest_assignment<Bits>, Rotation,
                          vector::rotation_options{.scalar = vector::side_scalar::factor}>;

/// QJL (Zandieh, Daliri, Han, 2024): one bit per row of a random projection, and the norm.
/// Projection -> signs -> estimator of inner products with a query that is not quantized.
/// Not reproduced: the outlier channels of keys and the GPU kernels; those are policies of a cache.
template <transform::vector_transform Projection = vector::gaussian_projection<>>
using qjl = vector::sign_sketch<Projection>;

/// RaBitQ (Gao and Long, 2024) with one bit, extended RaBitQ (Gao et al., 2024) with more.
/// Random rotation -> uniform grid point of the largest cosine -> packed indices and the unbiased factor.
/// Not reproduced: centroids of an inverted file, and queries quantized to four bits.
template <unsigned Bits, transform::rotation Rotation = transform::matrix_rotation<>>
using rabitq =
    vector::rotation_code<vector::swept_assignment<Bits>, Rotation,
                          vector::rotation_options{.scalar = vector::side_scalar::factor, .keep_norm = true}>;

// --- End of rotation codes -------------------------------------------------------------------------------

}  // namespace pith::inline v1::systems

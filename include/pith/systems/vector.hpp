// Published vector quantizers as aliases over vector/.
// Each alias names its publication, the slots that realise its ideas, and what is not reproduced.
#pragma once

#include <pith/quant/entropy_coded_scalar.hpp>
#include <pith/quant/palette.hpp>
#include <pith/transform/matrix_rotation.hpp>
#include <pith/transform/randomized_hadamard.hpp>
#include <pith/vector/centred_code.hpp>
#include <pith/vector/coded_vectors.hpp>
#include <pith/vector/composed_rows.hpp>
#include <pith/vector/entropy_coded_trellis.hpp>
#include <pith/vector/flat_index.hpp>
#include <pith/vector/importance_split.hpp>
#include <pith/vector/low_rank.hpp>
#include <pith/vector/product.hpp>
#include <pith/vector/residual.hpp>
#include <pith/vector/rotation_code.hpp>
#include <pith/vector/sign_sketch.hpp>
#include <pith/vector/sign_split.hpp>
#include <pith/vector/trellis_code.hpp>
#include <pith/vector/turned.hpp>
#include <pith/vector/variable_bits.hpp>

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

/// QTIP's quantizer (Tseng, Sun, Hou, De Sa, 2024) for single vectors, with RaBitQ's factor for a scale.
/// Random rotation -> bitshift trellis of 16-bit windows -> packed bits and <y,y> / <y,l>. Not reproduced:
/// tables for the codes; weights of layers are systems::qtip in calibrated_weights.hpp.
template <unsigned Bits, transform::rotation Rotation = transform::randomized_hadamard<>,
          unsigned Window = 16>
using trellis_rotation = vector::trellis_code<Bits, Rotation, vector::side_scalar::factor, Window>;

// --- End of rotation codes -------------------------------------------------------------------------------

// --- Codebooks and their indexes -------------------------------------------------------------------------

/// Product quantization (Jégou, Douze, Schmid, 2011), exhaustive search with tables of the query's costs.
/// A codebook per part of the vector -> packed indices -> sums of table entries.
/// Not reproduced: the inverted file in front of it.
template <unsigned Bits = 8>
using product_index = vector::flat_index<vector::product<Bits>>;

/// Faiss's fast scan (Guo et al., 2020; André et al., 2015): four-bit parts in blocks of 32 vectors.
/// Product codes -> byte tables in a register -> 16-bit sums against a limit; what passes is scored in full.
/// Not reproduced: several queries in one pass, and the inverted file.
using fast_scan_index = vector::flat_index<vector::product<4>, vector::block_storage<>>;

/// Optimised product quantization (Ge, He, Ke, Sun, 2013).
/// A rotation fitted in turn with the codebooks -> product codes. Both solutions: the parametric one (axes
/// shared out by their variances) as a start where it is better, the non-parametric one from there.
template <unsigned Bits = 8>
using opq_index = vector::flat_index<vector::turned<vector::product<Bits>>>;

/// JPQ (Zhan et al., 2021) and CoRECT, the part that is an index: product codes searched by inner product.
/// Product codes -> flat index with filters and re-ranking. Not reproduced: training of the encoders, which
/// hands over centroids (vector::product takes them as they are).
using jpq_index = product_index<8>;

/// Residual vector quantization with a beam: RVQGAN's (Kumar et al., 2023) and Compact-3DGS's (Lee et al.,
/// 2024) stages. Each stage codes what is left. Not reproduced: codebooks learned with a network, projections
/// to few dimensions.
template <unsigned Bits = 8>
using residual_index = vector::flat_index<vector::residual<Bits>>;

/// HiFi-Codec's group-residual quantizer (Yang et al., 2023): the same with residual_options::groups = 2.
/// Groups of coordinates, each with stages of its own. Not reproduced: the codec around it.
template <unsigned Bits = 8>
using hifi_codec_quantizer = vector::residual<Bits>;

/// AQLM and PV-Tuning (Egiazarian et al., 2024; Malinovskii et al., 2024), layer-wise: groups of 8 weights as
/// vectors. Beam search -> least squares for the codebooks -> beam search: vector::residual::refine.
/// Not reproduced: the metric of the layer's inputs, and fine-tuning through the network.
template <unsigned Bits = 8>
using aqlm_quantizer = vector::residual<Bits>;

/// SSVQ (Li et al., 2025), training-free: a sign bit per coordinate and product codes of the magnitudes.
/// Signs -> magnitudes -> product codes. Not reproduced: learned signs.
template <unsigned Bits = 8>
using ssvq_quantizer = vector::sign_split<vector::product<Bits>>;

/// eDKM (Cho et al., 2023), one coordinate at a time: a palette of 2^Bits half-precision values for a tensor.
/// Counts of distinct halves -> soft k-means, cooled down -> palette and packed indices.
/// Not reproduced: training through the shares, and palettes of pairs of weights.
template <unsigned Bits>
using edkm = quant::palette<Bits, quant::soft_clusters>;

/// LR2VQ's form: low rank and a vector quantizer of what it leaves.
/// Principal axes -> product codes of the coordinates, down to a byte each -> product codes of the rest.
/// Not reproduced: factors trained through the network; the axes are those of least squared error.
template <unsigned Bits = 8>
using low_rank_quantizer = vector::low_rank<vector::product<Bits>, vector::product<Bits>>;

/// SimVQ (Zhu et al., 2024) and RVQGAN's factorized codes (Kumar et al., 2023), the part that decodes:
/// entries in few dimensions, times one linear map to many. Principal axes -> residual stages in the
/// projected space. Not reproduced: the learned map, and lengths of entries made equal.
template <unsigned Bits = 8>
using simvq_quantizer = vector::low_rank<vector::residual<Bits>>;

/// SQUASH (Oakley, Ferhatosmanoglu, 2024): optimised scalar quantization, and filters by attributes.
/// Principal axes -> bits shared out by variance -> fitted levels -> indices across borders of bytes; id_set
/// for the attributes. Not reproduced: the partitions in front of it, and quantized attributes.
using squash_index = vector::flat_index<vector::variable_bits<>>;

/// LightGaussian's VecTree (Fan et al., 2024) and OMG's sub-vector quantizer (Lee et al., 2025), for
/// attributes of splats. Important rows as fine indices, the others as product codes -> frequencies of
/// columns -> coder. Not reproduced: pruning, distillation, training; OMG's attributes from a small network.
/// examples/splats.cpp.
template <unsigned Bits = 8>
using light_gaussian_attributes = vector::importance_split<Bits>;

/// Hash embeddings (Svenstrup, Hansen, Winther, 2017): a table of vectors as sums of shared entries, whose
/// numbers are hashes of the row. Not reproduced: weights of a row's entries, training with a network.
using hashed_embeddings = vector::composed_rows<vector::hashed_rows>;
/// Compositional embeddings (Shi, Mudigere, Naumov, Yang, 2020): the same by quotient and remainder.
using compositional_embeddings = vector::composed_rows<vector::row_digits>;

/// Rotation codes behind the mean of the data, in an index: the data-oblivious branch with one statistic.
/// Mean -> any of the rotation codes above -> scores of rotated queries. No publication.
template <class Code>
using rotation_index = vector::flat_index<vector::centred_code<Code>>;

// --- Streams of vectors ----------------------------------------------------------------------------------

/// The data-aware tier: no publication. Principal axes -> uniform indices or dependent quantization ->
/// adaptive arithmetic coder by axis -> a coded factor for each vector. Decoded as a whole before a search.
using coded_vectors =
    vector::coded_vectors<quant::entropy_coded_scalar<quant::scalar_options{.per_column = true}>>;
using trellis_coded_vectors =
    vector::coded_vectors<vector::entropy_coded_trellis<8, quant::scalar_options{.per_column = true}>>;

// --- End of codebooks and their indexes ------------------------------------------------------------------

}  // namespace pith::inline v1::systems

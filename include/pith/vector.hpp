// Vector quantization and search over codes: everything of pith/vector.
#pragma once

#include <pith/vector/array_file.hpp>
#include <pith/vector/centred_code.hpp>
#include <pith/vector/codebook.hpp>
#include <pith/vector/concepts.hpp>
#include <pith/vector/entropy_coded_lattice.hpp>
#include <pith/vector/entropy_coded_trellis.hpp>
#include <pith/vector/flat_index.hpp>
#include <pith/vector/id_set.hpp>
#include <pith/vector/importance_split.hpp>
#include <pith/vector/index_stream.hpp>
#include <pith/vector/kmeans.hpp>
#include <pith/vector/lattice.hpp>
#include <pith/vector/low_rank.hpp>
#include <pith/vector/mixed_storage.hpp>
#include <pith/vector/near_tiles.hpp>
#include <pith/vector/npy_header.hpp>
#include <pith/vector/product.hpp>
#include <pith/vector/residual.hpp>
#include <pith/vector/rotation_code.hpp>
#include <pith/vector/sided_storage.hpp>
#include <pith/vector/sign_sketch.hpp>
#include <pith/vector/sign_split.hpp>
#include <pith/vector/trellis.hpp>
#include <pith/vector/turned.hpp>
#include <pith/vector/variable_bits.hpp>

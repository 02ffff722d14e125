// Everything in transform/: reversible rewritings of bytes, what decides which of them a block needs,
// tokenizers, and rotations of vectors.
#pragma once

#include <pith/transform/bpe_training.hpp>
#include <pith/transform/channel.hpp>
#include <pith/transform/concepts.hpp>
#include <pith/transform/dct.hpp>
#include <pith/transform/detect.hpp>
#include <pith/transform/float_planes.hpp>
#include <pith/transform/line_wrap.hpp>
#include <pith/transform/matrix_rotation.hpp>
#include <pith/transform/meta_tokens.hpp>
#include <pith/transform/principal_axes.hpp>
#include <pith/transform/randomized_hadamard.hpp>
#include <pith/transform/scored_bpe.hpp>
#include <pith/transform/stride.hpp>
#include <pith/transform/tensor_delta.hpp>
#include <pith/transform/text.hpp>
#include <pith/transform/tiling.hpp>
#include <pith/transform/tokenizer.hpp>
#include <pith/transform/wavelet_packets.hpp>
#include <pith/transform/wavelets.hpp>
#include <pith/transform/word_cut.hpp>
#include <pith/transform/word_dictionary.hpp>
#include <pith/transform/words.hpp>
#include <pith/transform/x86.hpp>
#include <pith/version.hpp>

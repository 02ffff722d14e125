// Everything in codec/: compositions for bytes, text, tokens and tensors, and what they are made of.
#pragma once

#include <pith/codec/bytes.hpp>
#include <pith/codec/context_mixing.hpp>
#include <pith/codec/element.hpp>
#include <pith/codec/exponent_huffman.hpp>
#include <pith/codec/log_cells.hpp>
#include <pith/codec/log_columns.hpp>
#include <pith/codec/log_templates.hpp>
#include <pith/codec/logs.hpp>
#include <pith/codec/phrase_model.hpp>
#include <pith/codec/phrase_parse.hpp>
#include <pith/codec/phrases.hpp>
#include <pith/codec/plane_chunks.hpp>
#include <pith/codec/smallest.hpp>
#include <pith/codec/string_set.hpp>
#include <pith/codec/tensor.hpp>
#include <pith/codec/tensor_archive.hpp>
#include <pith/codec/tensor_instant.hpp>
#include <pith/codec/tensor_rans.hpp>
#include <pith/codec/token_coder.hpp>
#include <pith/container.hpp>
#include <pith/version.hpp>

// Everything in lowrank/: metrics of input errors and the best corrections of low rank in them.
#pragma once

#include <pith/lowrank/channels.hpp>
#include <pith/lowrank/compensator.hpp>
#include <pith/lowrank/metric.hpp>
#include <pith/lowrank/remapped.hpp>
#include <pith/lowrank/sign_blocks.hpp>
#include <pith/lowrank/sparse_dictionary.hpp>
#include <pith/lowrank/wavelet_bands.hpp>
#include <pith/version.hpp>

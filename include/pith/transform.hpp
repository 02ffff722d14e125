// Everything in transform/: reversible rewritings of bytes, cuts of text and tilings, and what decides which of
// them a block needs.
#pragma once

#include <pith/transform/concepts.hpp>
#include <pith/transform/detect.hpp>
#include <pith/transform/stride.hpp>
#include <pith/transform/tiling.hpp>
#include <pith/transform/words.hpp>
#include <pith/transform/x86.hpp>
#include <pith/version.hpp>

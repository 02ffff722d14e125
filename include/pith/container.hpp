// Everything of pith/container: frames in memory and as streams, recipes, sections, inspection.
// Knows pith/core only; any codec of blocks fits in.
#pragma once

#include <pith/container/concepts.hpp>
#include <pith/container/frame.hpp>
#include <pith/container/inspect.hpp>
#include <pith/container/layout.hpp>
#include <pith/container/recipe.hpp>
#include <pith/container/section.hpp>
#include <pith/container/stream.hpp>

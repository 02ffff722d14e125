// Frames as streams, both directions: constant memory, an input of any length, N threads.
// The same frames as in memory (frame.hpp).
#pragma once

#include <pith/container/stream_decode.hpp>
#include <pith/container/stream_encode.hpp>

// PITH_ASSERT: checks of documented preconditions, that is, of mistakes in the calling program.
// Bytes from outside are never judged by it: they give a result (core/result.hpp).
#pragma once

#ifndef PITH_ASSERT
#    ifdef NDEBUG
#        define PITH_ASSERT(condition) static_cast<void>(0)
#    else
#        include <cassert>
#        define PITH_ASSERT(condition) assert(condition)
#    endif
#endif
